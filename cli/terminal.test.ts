/**
 * What happens only on a terminal: questions without echo, recovery words, the progress bar. Linux's
 * `script` gives the program a terminal of its own.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type Sandbox } from "./testing/run-cli.ts"

interface Answer {
  readonly question: string
  readonly typed: string
}

/** Runs on a terminal, and types each answer when its question has appeared. */
async function onTerminal(
  box: Sandbox,
  home: string,
  words: readonly string[],
  answers: readonly Answer[] = [],
): Promise<{ code: number; screen: string }> {
  const command = [process.execPath, "dist/cli/main.js", ...words].map((word) => `'${word}'`).join(" ")
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", HOLDFAST_HOME: box.path(home) },
    stdio: ["pipe", "pipe", "pipe"],
  })
  let screen = ""
  let from = 0
  const left = [...answers]
  child.stdout.on("data", (bytes: Buffer) => {
    screen += bytes.toString()
    const [next] = left
    if (next === undefined || !screen.slice(from).includes(next.question)) return
    left.shift()
    from = screen.length
    // The terminal stops echoing a moment after the question is there.
    setTimeout(() => child.stdin.write(next.typed), 200)
  })
  const [code] = (await once(child, "close")) as [number]
  return { code, screen }
}

test("init asks for a passphrase twice, shows nothing of it, and shows 24 words once", async (context) => {
  const box = sandbox(context)
  const answers = [
    { question: "new passphrase: ", typed: "correct horse\n" },
    { question: "the same again: ", typed: "correct horse\n" },
  ]
  const { code, screen } = await onTerminal(box, "home", ["init", box.repository], answers)
  assert.equal(code, 0, screen)
  assert.doesNotMatch(screen, /correct|horse/)
  assert.equal(screen.match(/\d+\. [a-z]+/g)?.length, 24)
  assert.match(screen, /Recovery words: shown once, now/)

  const stranger = ["-r", box.repository, "snapshots"]
  const right = await onTerminal(box, "other", stranger, [
    { question: "passphrase for", typed: "correct horse\n" },
  ])
  assert.equal(right.code, 0, right.screen)
  const wrong = await onTerminal(box, "third", stranger, [{ question: "passphrase for", typed: "wrong\n" }])
  assert.equal(wrong.code, 12, wrong.screen)
  const stopped = await onTerminal(box, "fourth", stranger, [{ question: "passphrase for", typed: "\x03" }])
  assert.equal(stopped.code, 130, stopped.screen)
})

test("init asks again when the two passphrases differ, and refuses an empty one", async (context) => {
  const box = sandbox(context)
  const differing = [
    { question: "new passphrase: ", typed: "one\n" },
    { question: "the same again: ", typed: "two\n" },
    { question: "new passphrase: ", typed: "\n" },
  ]
  const { code, screen } = await onTerminal(box, "home", ["init", box.repository], differing)
  assert.equal(code, 2)
  assert.match(screen, /the two differ; once more[\s\S]*an empty passphrase protects nothing/)
})

test("backup draws one line of progress on a terminal and wipes it; --no-progress and --json draw none", async (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("notes"))
  for (let at = 0; at < 2_000; at++) writeFileSync(box.path("notes", String(at)), String(at).repeat(1000))
  const words = ["-r", box.repository, "backup", box.path("notes")]
  const shown = await onTerminal(box, "home", words)
  assert.equal(shown.code, 0, shown.screen)
  assert.ok(shown.screen.includes("\r\x1b[2Kbackup  "), shown.screen)
  assert.ok(shown.screen.includes("\r\x1b[2Ksnapshot "), shown.screen)
  for (const flag of ["--no-progress", "--json"]) {
    const { screen } = await onTerminal(box, "home", [...words, "--force-snapshot", flag])
    assert.ok(!screen.includes("\x1b[2K"), `${flag}: ${screen}`)
  }
})
