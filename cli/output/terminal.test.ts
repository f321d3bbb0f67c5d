/**
 * Behaviour that needs a terminal: questions without echo, recovery words, the progress bar. Linux's `script` gives
 * the program its own terminal.
 */
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { textWidth } from "./columns.ts"
import { onTerminal } from "../testing/on-terminal.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

test("init asks for a passphrase twice, shows nothing of it, and shows 24 words once", async (context) => {
  const box = sandbox(context)
  const typed = "c0rrect h0rse" // "correct" and "horse" may be among the recovery words
  const answers = [
    { question: "New passphrase: ", typed: `${typed}\n` },
    { question: "Repeat the passphrase: ", typed: `${typed}\n` },
  ]
  const { code, screen } = await onTerminal(box, "home", ["init", box.repository], { answers })
  assert.equal(code, 0, screen)
  assert.doesNotMatch(screen, /c0rrect|h0rse/)
  assert.equal(screen.match(/\d+\. [a-z]+/g)?.length, 24)
  assert.match(screen, /Recovery words: shown once, now/)
})

async function withPassphrase(context: TestContext): Promise<Sandbox> {
  const box = sandbox(context)
  writeFileSync(box.path("passphrase"), "correct horse\n", { mode: 0o600 })
  const environment = { HOLDFAST_HOME: box.path("home") }
  const { code } = box.runWith(environment, [
    "init",
    box.repository,
    "--password-file",
    box.path("passphrase"),
  ])
  assert.equal(code, 0)
  return box
}

test("a wrong passphrase gets a second and a third try, and no more", async (context) => {
  const box = await withPassphrase(context)
  const stranger = ["-r", box.repository, "snapshots"]
  const wrong = { question: "passphrase for", typed: "wrong\n" }
  const right = { question: "passphrase for", typed: "correct horse\n" }
  const second = await onTerminal(box, "second", stranger, { answers: [wrong, right] })
  assert.equal(second.code, 0, second.screen)
  assert.match(second.screen, /Wrong passphrase\. Try again\./)
  const third = await onTerminal(box, "third", stranger, { answers: [wrong, wrong, right] })
  assert.equal(third.code, 0, third.screen)
  const none = await onTerminal(box, "fourth", stranger, { answers: [wrong, wrong, wrong] })
  assert.equal(none.code, 12, none.screen)
  assert.equal(none.screen.match(/Try again/g)?.length, 2)
})

test("key passwd and key add ask for the current passphrase up to three times, then for the new one", async (context) => {
  const box = await withPassphrase(context)
  const keys = (): string[] => readdirSync(box.path("repository", "keys"))
  const before = keys()
  const wrong = { question: "Current passphrase: ", typed: "wrong\n" }
  const right = { question: "Current passphrase: ", typed: "correct horse\n" }
  const fresh = ["New passphrase: ", "Repeat the passphrase: "].map((question) => ({
    question,
    typed: "another horse\n",
  }))
  const none = await onTerminal(box, "home", ["key", "passwd"], { answers: [wrong, wrong, wrong] })
  assert.equal(none.code, 12, none.screen)
  assert.equal(none.screen.match(/Wrong passphrase\. Try again\./g)?.length, 2)
  assert.doesNotMatch(none.screen, /New passphrase/)
  assert.deepEqual(keys(), before, "a wrong passphrase leaves no object")
  const added = await onTerminal(box, "home", ["key", "add"], { answers: [wrong, right, ...fresh] })
  assert.equal(added.code, 0, added.screen)
  const removed = await onTerminal(box, "home", ["key", "remove", "x"], { answers: [right] })
  assert.equal(removed.code, 1, removed.screen)
  const last = { question: "Current passphrase: ", typed: "another horse\n" }
  const changed = await onTerminal(box, "home", ["key", "passwd"], {
    answers: [wrong, wrong, last, ...fresh],
  })
  assert.equal(changed.code, 0, changed.screen)
})

test("Ctrl-C at a question ends with 130 and promises nothing", async (context) => {
  const box = await withPassphrase(context)
  const answers = [{ question: "passphrase for", typed: "\x03" }]
  const { code, screen } = await onTerminal(box, "other", ["-r", box.repository, "backup", box.keyFile], {
    answers,
  })
  assert.equal(code, 130, screen)
  assert.match(screen, /holdfast: Interrupted\.\s*$/)
})

test("init asks again when the two passphrases differ, and refuses an empty one", async (context) => {
  const box = sandbox(context)
  const answers = [
    { question: "New passphrase: ", typed: "correct horse\n" },
    { question: "Repeat the passphrase: ", typed: "correct house\n" },
    { question: "New passphrase: ", typed: "\n" },
  ]
  const { code, screen } = await onTerminal(box, "home", ["init", box.repository], { answers })
  assert.equal(code, 2)
  assert.match(screen, /don't match\. Try again\.[\s\S]*the passphrase is empty/)
})

test("init warns of a short passphrase, and takes it when it is typed again", async (context) => {
  const box = sandbox(context)
  const short = { question: "New passphrase: ", typed: "x\n" }
  const longer = { question: "New passphrase: ", typed: "correct horse\n" }
  const repeat = { question: "Repeat the passphrase: ", typed: "x\n" }
  const taken = await onTerminal(box, "home", ["init", box.repository], { answers: [short, short, repeat] })
  assert.equal(taken.code, 0, taken.screen)
  assert.match(taken.screen, /fewer than 8 characters/)
  const changed = await onTerminal(box, "home", ["init", box.path("another")], {
    answers: [short, longer, { ...repeat, typed: longer.typed }],
  })
  assert.equal(changed.code, 0, changed.screen)
  const secret = box.path("secret")
  writeFileSync(secret, "x\n", { mode: 0o600 })
  const read = box.runWith({ HOLDFAST_HOME: box.path("third") }, [
    "init",
    box.path("third-repository"),
    "--password-file",
    secret,
  ])
  assert.equal(read.code, 0)
  assert.match(read.err, /^holdfast: The passphrase has fewer than 8 characters/m)
})

/** The lines drawn between two wipes, with their width. */
function drawnLines(screen: string): string[] {
  return screen.split("\r\x1b[2K").slice(1, -1)
}

test("backup, restore, check and copy draw one line that fits at any width, and wipe it", async (context) => {
  const box = sandbox(context)
  box.must("init")
  const source = box.path("notes 漢字")
  mkdirSync(source)
  for (let at = 0; at < 600; at++) writeFileSync(`${source}/漢字 ${at}`, String(at).repeat(3000))
  for (let at = 0; at < 2; at++) writeFileSync(`${source}/large ${at}`, randomBytes(24 * 2 ** 20))
  for (const columns of [80, 40, 20]) {
    const home = ["-r", box.repository]
    const runs = [
      [...home, "backup", source, "--force"],
      [...home, "restore", "latest", "--target", box.path(`out ${columns}`)],
      [...home, "check", "--read-data"],
      [...home, "copy", box.path(`mirror ${columns}`)],
    ]
    for (const words of runs) {
      const { code, screen } = await onTerminal(box, "home", words, { columns })
      const what = `${words[2]} at ${columns} columns: ${JSON.stringify(screen)}`
      assert.equal(code, 0, what)
      const lines = drawnLines(screen)
      assert.ok(lines.length > 0, what)
      for (const line of lines) {
        assert.ok(textWidth(line) < columns, what)
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(line, /[\x00-\x1f]|(?<![\d,])0 files/, what)
      }
      const percents = lines.flatMap((line) => /(\d+) %/.exec(line)?.[1] ?? []).map(Number)
      assert.deepEqual(
        percents,
        percents.toSorted((a, b) => a - b),
        what,
      )
      assert.ok(percents.length > 0, what)
    }
  }
})

test("no progress is drawn with --no-progress or --json, or when standard error is no terminal", async (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("notes"))
  for (let at = 0; at < 2_000; at++) writeFileSync(box.path("notes", String(at)), String(at).repeat(1000))
  const words = ["-r", box.repository, "backup", box.path("notes"), "--force-snapshot"]
  for (const flag of ["--no-progress", "--json"]) {
    const { screen } = await onTerminal(box, "home", [...words, flag])
    assert.ok(!screen.includes("\x1b[2K"), `${flag}: ${screen}`)
  }
  assert.ok(!box.must(...words).err.includes("\x1b"))
})

test("dump refuses to print an archive on a terminal", async (context) => {
  const box = sandbox(context)
  box.must("init")
  box.must("backup", box.keyFile)
  const { code, screen } = await onTerminal(box, "home", [
    "-r",
    box.repository,
    "dump",
    "latest",
    "-a",
    "tar",
  ])
  assert.equal(code, 2, screen)
  assert.match(screen, /an archive is not printed on a terminal/)
})
