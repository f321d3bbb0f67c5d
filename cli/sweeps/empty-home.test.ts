/** A device is a home: an empty one reads with any good secret, and its first write enrols it. */
import assert from "node:assert/strict"
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

const PASSPHRASE = "correct horse"

function place(context: TestContext): Sandbox {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a.md"), "first\n")
  writeFileSync(box.path("pass"), `${PASSPHRASE}\n`, { mode: 0o600 })
  const words = ["--recovery-words-file", box.path("words")]
  box.must("init", ...words, "--password-file", box.path("pass"), "--key-file", box.keyFile)
  box.must("backup", "notes")
  return box
}

/** From an unused home. */
function fromEmpty(box: Sandbox, secret: Readonly<Record<string, string>>, ...words: string[]): Outcome {
  rmSync(box.path("empty"), { recursive: true, force: true })
  const home = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("empty") }
  return box.runWith({ ...home, ...secret }, words)
}

function stored(box: Sandbox): string[] {
  return readdirSync(box.repository, { recursive: true, encoding: "utf8" }).toSorted()
}

const READING: readonly (readonly string[])[] = [
  ["snapshots"],
  ["ls", "latest"],
  ["find", "a.md"],
  ["log", "a.md"],
  ["diff", "latest"],
  ["dump", "latest:a.md"],
  ["restore", "latest", "--target", "out"],
  ["estimate", "notes"],
  ["backup", "notes", "--dry-run"],
  ["stats"],
  ["check", "--read-data"],
  ["key", "list"],
  ["device", "list"],
  ["connect", "--read-only"],
  ["cache"],
  ["doctor"],
]

test("every reading verb works on an empty home with a secret, and writes nothing to the store", (context) => {
  const box = place(context)
  const before = stored(box)
  for (const words of READING) {
    const { code, err } = fromEmpty(box, { HOLDFAST_KEY_FILE: box.keyFile }, ...words)
    assert.equal(code, 0, `${words.join(" ")}: ${err}`)
    assert.doesNotMatch(err, /now has its own keys/, words.join(" "))
    assert.deepEqual(stored(box), before, words.join(" "))
  }
})

test("every kind of secret opens on an empty home, by its variable and by its flag", (context) => {
  const box = place(context)
  const pass = box.path("pass")
  const variables: Record<string, string>[] = [
    { HOLDFAST_PASSWORD: PASSPHRASE },
    { HOLDFAST_PASSWORD_FILE: pass },
    { HOLDFAST_PASSWORD_COMMAND: `cat '${pass}'` },
    { HOLDFAST_KEY_FILE: box.keyFile },
    { HOLDFAST_RECOVERY_WORDS_FILE: box.path("words") },
  ]
  for (const variable of variables) {
    const { code, err, lines } = fromEmpty(box, variable, "snapshots", "--json")
    assert.deepEqual([code, lines.length], [0, 1], err)
  }
  const flags = [
    ["--password-file", pass],
    ["--password-command", `cat '${pass}'`],
    ["--key-file", box.keyFile],
    ["--recovery-words-file", box.path("words")],
  ]
  for (const flag of flags) {
    const { code, err, lines } = fromEmpty(box, {}, "snapshots", "--json", ...flag)
    assert.deepEqual([code, lines.length], [0, 1], err)
  }
})

test("the first write enrols the device in one line; then it needs no secret, and is for its owner alone", (context) => {
  const box = place(context)
  for (const words of [
    ["backup", "notes", "--force-snapshot"],
    ["connect"],
    ["key", "add", "--new-password-file", box.path("pass")],
  ]) {
    const { code, err } = fromEmpty(box, { HOLDFAST_KEY_FILE: box.keyFile }, ...words)
    assert.equal(code, 0, err)
    assert.equal(err.match(/^holdfast: this device now has its own keys/gm)?.length, 1, err)
    const later = ["backup", "notes", "--force-snapshot", "-r", box.repository]
    const again = box.runWith({ HOLDFAST_HOME: box.path("empty") }, later)
    assert.deepEqual([again.code, again.err], [0, ""])
    for (const name of ["", ...readdirSync(box.path("empty"), { recursive: true, encoding: "utf8" })]) {
      const stat = statSync(box.path("empty", name))
      assert.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, name)
    }
  }
})

test("without HOLDFAST_HOME the state is in the XDG folders, readable only by the owner, and can be deleted", (context) => {
  const box = place(context)
  const xdg = {
    XDG_DATA_HOME: box.path("data"),
    XDG_CACHE_HOME: box.path("cache"),
    XDG_STATE_HOME: box.path("state"),
    HOLDFAST_REPOSITORY: box.repository,
  }
  const run = (words: string[], secret = {}): Outcome => box.runWith({ ...xdg, ...secret }, words)
  assert.equal(run(["connect"], { HOLDFAST_KEY_FILE: box.keyFile }).code, 0)
  assert.equal(run(["backup", "notes", "--force-snapshot"]).code, 0)
  for (const folder of ["data", "cache"]) {
    for (const name of readdirSync(box.path(folder), { recursive: true, encoding: "utf8" }))
      assert.equal(statSync(box.path(folder, name)).mode & 0o077, 0, name)
  }
  rmSync(box.path("cache"), { recursive: true })
  assert.equal(run(["backup", "notes", "--force-snapshot"]).code, 0)
  assert.equal(run(["check", "--read-data"]).code, 0)
  assert.ok(!existsSync(box.path("user", ".local")))
})
