/** The repository of a command without -r, what a home knows without it, and `status`. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

interface Setting extends Sandbox {
  /** With the sandbox's home and key, and no repository in the environment. */
  readonly cli: (...words: string[]) => Outcome
  /** Without a secret. */
  readonly keyless: (...words: string[]) => Outcome
}

function setting(context: TestContext): Setting {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a.md"), "first\n")
  const home = { HOLDFAST_HOME: box.path("home") }
  const keyless: Setting["keyless"] = (...words) => box.runWith(home, words)
  const cli: Setting["cli"] = (...words) => box.runWith({ ...home, HOLDFAST_KEY_FILE: box.keyFile }, words)
  return { ...box, cli, keyless }
}

test("init and connect set the default only without an earlier one, -r never does, and summaries name another repository", (context) => {
  const box = setting(context)
  const [first, second] = [box.path("first"), box.path("second")]
  assert.doesNotMatch(box.cli("init", first).out, /default/)
  const made = box.cli("init", second)
  assert.match(
    made.out,
    new RegExp(`the default repository is still ${first}\n.*holdfast connect ${second} --default`),
  )
  const there = box.cli("backup", "notes", "-r", second)
  assert.match(there.out, new RegExp(`^repository: ${second}$`, "m"))
  const here = box.cli("backup", "notes")
  assert.doesNotMatch(here.out, /repository/)
  assert.equal(box.cli("snapshots", "--json").lines.length, 1)
  assert.equal(box.cli("connect", second, "--json").last["default"], false)
  assert.match(box.cli("connect", second).out, /is still/)
  assert.equal(box.cli("connect", second, "--default", "--json").last["default"], true)
  assert.match(box.cli("backup", "notes", "-r", first).out, new RegExp(`^repository: ${first}$`, "m"))
  assert.equal(box.cli("init", box.path("third"), "--default", "--json").last["default"], true)

  const other = { HOLDFAST_HOME: box.path("other"), HOLDFAST_KEY_FILE: box.keyFile }
  assert.equal(box.runWith(other, ["snapshots", "-r", first]).code, 0)
  const none = box.runWith(other, ["snapshots"])
  assert.equal(none.code, 10)
  assert.match(none.err, new RegExp(`holdfast connect ${first} --default`))
  assert.doesNotMatch(none.err, /init/)
  box.runWith(other, ["connect", first])
  assert.equal(box.runWith(other, ["snapshots"]).code, 0)
})

for (const [how, spoil] of [
  ["lost", (file: string) => rmSync(file)],
  ["damaged", (file: string) => writeFileSync(file, '{"version":1,"reposi')],
] as const) {
  test(`a ${how} last-repository.json costs one -r and hides no keys, whether notes are there or not`, (context) => {
    const box = setting(context)
    box.cli("init", box.path("first"))
    box.cli("backup", "notes")
    const file = box.path("home", "last-repository.json")
    spoil(file)
    assert.equal(box.keyless("snapshots", "--json").lines.length, 1)
    assert.equal(box.keyless("backup", "notes").code, 0)

    // A home of an earlier version has no notes.
    const [id = ""] = readdirSync(box.path("home", "repositories"))
    rmSync(box.path("home", "repositories", id, "location.json"))
    spoil(file)
    for (const words of [["snapshots"], ["backup", "notes"], ["doctor"], ["status"]]) {
      const { out, err, code } = box.keyless(...words)
      assert.notEqual(code, 0, words.join(" "))
      assert.doesNotMatch(out + err, /init/, words.join(" "))
      assert.match(out + err, /keys for a repository|known/)
    }
    const elsewhere = box.keyless("snapshots", "-r", box.path("nowhere"))
    assert.doesNotMatch(elsewhere.err, /init/)
    assert.equal(box.keyless("snapshots", "-r", box.path("first"), "--json").lines.length, 1)
    assert.equal(box.keyless("connect", box.path("first")).code, 0)
    assert.equal(box.keyless("snapshots", "--json").lines.length, 1)
  })
}

test("status shows repository, device, sources and problems, and makes no request", (context) => {
  const box = setting(context)
  const empty = box.cli("status")
  assert.equal(empty.code, 1)
  assert.match(empty.out, /holdfast init LOCATION/)
  const id = String(box.cli("init", box.path("first"), "--label", "laptop", "--json").last["id"])
  box.cli("init", box.path("second"))
  box.cli("backup", "notes", "--host", "a")
  box.cli("backup", "notes", "--series", "other", "--host", "a")
  // No request can succeed from here on.
  renameSync(box.path("first"), box.path("away"))
  const { out, code } = box.keyless("status")
  assert.equal(code, 0)
  assert.match(out, new RegExp(`^repository  ${id.slice(0, 8)} at ${box.path("first")} \\(default\\)$`, "m"))
  assert.match(out, /^device {6}[0-9a-f]{8} laptop$/m)
  assert.match(out, /^notes {3}a .*\/notes$/m)
  assert.match(out, /^other {3}a .*\/notes$/m)
  assert.match(out, new RegExp(`also known .*${box.path("second")}`))
  assert.match(out, /!! {2}keys: no recovery words/)
  const { lines } = box.keyless("status", "--json")
  const [home, source] = lines
  assert.deepEqual([home?.["message_type"], home?.["id"], home?.["default"]], ["home_status", id, true])
  assert.equal(source?.["message_type"], "source_status")
  assert.equal(source?.["series"], "notes")
  assert.deepEqual(source?.["paths"], [box.path("notes")])
  assert.match(String(source?.["last_run"]), /^20\d\d-/)
  assert.match(box.keyless("status", "-r", box.path("second")).out, /no snapshots/)
  assert.equal(box.keyless("status", "-r", box.path("nowhere")).code, 1)
})

test("status shows a series that ran in a new home, even if nothing had changed", (context) => {
  const box = setting(context)
  box.cli("init", box.path("first"))
  box.cli("backup", "notes", "--host", "a")
  box.cli("backup", "notes", "--series", "elsewhere", "--host", "a")
  rmSync(box.path("home"), { recursive: true })
  assert.match(box.cli("backup", "notes", "--host", "a", "-r", box.path("first")).out, /^nothing changed/)
  const { out } = box.cli("status", "-r", box.path("first"))
  assert.match(out, /^notes {3}a .*\/notes$/m)
  assert.doesNotMatch(out, /elsewhere/)
})

test("init without a terminal and without a words file makes no recovery slot, and doctor warns until one exists", (context) => {
  const box = setting(context)
  const made = box.cli("init", box.path("first"))
  assert.match(
    made.err,
    /no recovery words were made.*holdfast key add --recovery --recovery-words-file FILE/,
  )
  const kinds = (): unknown[] => box.cli("key", "list", "--json").lines.map(({ kind }) => kind)
  assert.deepEqual(kinds(), ["key"])
  assert.match(box.cli("doctor").out, /!! {2}keys: no recovery words/)
  const words = box.path("words")
  assert.equal(box.cli("key", "add", "--recovery", "--recovery-words-file", words).code, 0)
  assert.deepEqual(new Set(kinds()), new Set(["key", "recovery"]))
  assert.doesNotMatch(box.cli("doctor").out, /no recovery words/)
  const stranger = { HOLDFAST_HOME: box.path("other") }
  const opened = box.runWith(stranger, ["snapshots", "-r", box.path("first"), "--recovery-words-file", words])
  assert.equal(opened.code, 0)
})

test("init that fails after its words were written leaves no words file", (context) => {
  const box = setting(context)
  box.cli("init", box.path("first"))
  const words = box.path("words")
  const again = box.cli("init", box.path("first"), "--recovery-words-file", words)
  assert.equal(again.code, 1)
  assert.ok(!readdirSync(box.folder).includes("words"))
})
