/** The way back on a new machine: what is kept and printed for it, its questions, and a machine without the host. */
import assert from "node:assert/strict"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { startS3FaultServer } from "../../../engine/testing/s3-fault-server.ts"
import { onTerminal } from "../../testing/on-terminal.ts"
import { sandbox, type Outcome, type Sandbox } from "../../testing/run-cli.ts"
import { besides } from "../../testing/run-cli-beside.ts"

const CONFIG = "session-sync-config.json"

interface Saved {
  readonly box: Sandbox
  /** 24. */
  readonly words: readonly string[]
  /** On the other machine: another user, another home. */
  readonly elsewhere: Readonly<Record<string, string>>
  readonly run: (...words: string[]) => Outcome
}

/** An OpenClaw agent with memory and a conversation, and its snapshot. */
function saved(context: TestContext): Saved {
  const box = sandbox(context)
  const state = box.path("user/.openclaw")
  mkdirSync(join(state, "workspace/memory"), { recursive: true, mode: 0o700 })
  mkdirSync(join(state, "agents/main/sessions"), { recursive: true })
  writeFileSync(join(state, "workspace/MEMORY.md"), "# Memory\n")
  writeFileSync(join(state, "agents/main/sessions/a.jsonl"), '{"a":1}\n')
  const variables = { HOLDFAST_CREDENTIALS: "file:keys" } // for a bucket, and of no use here
  const here = { HOME: box.path("user"), HOLDFAST_HOME: box.path("home"), ...variables }
  const must = (...words: string[]): void => {
    const outcome = box.runWith(here, words)
    assert.equal(outcome.code, 0, outcome.err)
  }
  must("agent", "init", "--yes", "-r", "store", "--recovery-sheet", "sheet.txt")
  must("agent", "sync")
  assert.doesNotMatch(readFileSync(join(state, "workspace", CONFIG), "utf8"), /credentials/)
  const elsewhere = { HOME: box.path("new"), HOLDFAST_HOME: box.path("new-home"), ...variables }
  mkdirSync(elsewhere.HOME)
  const words = wordsOn(box.path("sheet.txt"))
  return { box, words, elsewhere, run: (...line) => box.runWith(elsewhere, line) }
}

function wordsOn(sheet: string): string[] {
  return [...readFileSync(sheet, "utf8").matchAll(/\d+\. ([a-z]+)/g)].map(([, word = ""]) => word)
}

test("agent init keeps absolute paths where relative ones were typed, and its sheet has the way back", async (context) => {
  const server = await startS3FaultServer({ secretAccessKey: "secret" })
  context.after(() => server.close())
  const box = sandbox(context)
  const cli = besides(box, { AWS_EC2_METADATA_DISABLED: "true", HOLDFAST_KEY_FILE: "" })
  mkdirSync(box.path("a workspace"))
  writeFileSync(box.path("a workspace/MEMORY.md"), "# Memory\n")
  writeFileSync(box.path("keys"), "TESTACCESSKEY:secret\n", { mode: 0o600 })
  const location = `s3:${server.endpoint}/${server.bucket}/x`
  const place = ["-r", location, "--region", "us-east-1", "--credentials", "file:keys"]
  const init = ["agent", "init", "--yes", "--workspace", "a workspace", ...place]
  const made = await cli.must([...init, "--recovery-sheet", "sheet.txt", "--json"])
  assert.equal(made.last["recoverySheet"], box.path("sheet.txt"))
  await cli.must(["agent", "sync", "--workspace", "a workspace"])
  const config = readFileSync(box.path("a workspace", CONFIG), "utf8")
  writeFileSync(box.path("a workspace", CONFIG), config.replace("{", '{ "encryption_key": "file:/gone.key",'))
  await cli.must(["agent", "sync", "--workspace", "a workspace"])
  const kept = readdirSync(box.path("home/agents"), { recursive: true, withFileTypes: true })
    .filter((each) => each.name.endsWith(".json"))
    .map((each) => readFileSync(join(each.parentPath, each.name), "utf8"))
  for (const text of [config, ...kept]) assert.doesNotMatch(text, /"(file:)?(keys|sheet\.txt)"/)
  assert.match(config, new RegExp(`"file:${box.path("keys")}"`))

  const sheet = readFileSync(box.path("sheet.txt"), "utf8")
  const line = /^ {2}holdfast (agent restore .*)$/m.exec(sheet)?.[1]?.replace("DIR", "fresh") ?? ""
  assert.doesNotMatch(sheet, /holdfast (restore|connect)/)
  writeFileSync(box.path("words.txt"), `${wordsOn(box.path("sheet.txt")).join(" ")}\n`, { mode: 0o600 })
  const asked = await cli.run([...line.split(" "), "--json"], "other home")
  assert.equal(asked.code, 2, asked.err)
  const { sha256 } = asked.last["config"] as { sha256: string }
  await cli.must([...line.split(" "), "--yes", "--accept-config", sha256], "other home")
  // the old machine's own file
  assert.doesNotMatch(asked.out, /gone\.key/)
  assert.match(readFileSync(box.path("fresh", CONFIG), "utf8"), new RegExp(`"file:${box.path("keys")}"`))
})

test("a configuration with a relative file reference is refused", (context) => {
  const { box, run } = saved(context)
  mkdirSync(box.path("other"))
  const config = { provider: "local", repository: box.path("store"), encryption_key: "file:keys" }
  writeFileSync(box.path("other", CONFIG), JSON.stringify(config))
  const { code, err } = run("agent", "init", "--yes", "--workspace", "other")
  assert.equal(code, 2)
  assert.match(err, /\/encryption_key: file: needs an absolute path/)
})

test("agent restore on a new machine accepts recovery words on several lines, and shows none", async (context) => {
  const { box, words, elsewhere } = saved(context)
  const rows = [words.slice(0, 10), words.slice(10)].map((row) => row.join(" "))
  const wrong = words.with(3, "zoo").join(" ")
  const question = "several), or passphrase: "
  const { code, screen } = await onTerminal(
    box,
    "new-home",
    ["agent", "restore", "latest", "--workspace", box.path("new/workspace"), "-r", box.path("store")],
    {
      environment: elsewhere,
      columns: 80,
      answers: [
        { question, typed: `${wrong}\n` },
        { question, typed: "no such passphrase\n" },
        { question, typed: `${rows[0] ?? ""}\n` },
        { question: "10 of 24 words", typed: `${rows[1] ?? ""}\n` },
        { question: "Approve this configuration", typed: "y\n" },
        { question: "Restore this?", typed: "y\n" },
      ],
    },
  )
  assert.equal(code, 0, screen)
  assert.match(screen, /Invalid recovery words: the checksum is wrong.*Try again/)
  assert.match(screen, /Wrong recovery words or passphrase\. Try again/)
  assert.ok(!screen.includes(words.slice(0, 2).join(" ")))
  assert.doesNotMatch(screen, /\\x09/)
  assert.ok(existsSync(box.path("new/workspace/MEMORY.md")))
})

test("agent init joins a repository with recovery words pasted as numbered lines", async (context) => {
  const { box, words, elsewhere } = saved(context)
  mkdirSync(box.path("new/workspace"))
  const pasted = words.map((word, i) => `${i + 1}. ${word}\n`).join("")
  const { code, screen } = await onTerminal(
    box,
    "new-home",
    ["agent", "init", "--workspace", box.path("new/workspace"), "-r", box.path("store")],
    {
      environment: elsewhere,
      answers: [
        { question: "Protect this workspace", typed: "y\n" },
        { question: "or passphrase: ", typed: "wrong horse\n\n" },
        { question: "or passphrase: ", typed: pasted },
      ],
    },
  )
  assert.equal(code, 0, screen)
  assert.match(screen, /connected to repository/)
})

test("agent restore brings memory and conversations back where OpenClaw is not installed yet", (context) => {
  const { box, words, run } = saved(context)
  writeFileSync(box.path("words.txt"), words.join(" "), { mode: 0o600 })
  const line = ["agent", "restore", "latest", "--workspace", box.path("new/notes"), "-r", box.path("store")]
  const keyed = [...line, "--recovery-words-file", "words.txt", "--yes"]
  const asked = run(...keyed, "--json")
  assert.equal(asked.code, 2, asked.err)
  assert.ok(!existsSync(box.path("new/.openclaw")))
  const { sha256 } = asked.last["config"] as { sha256: string }
  const done = run(...keyed, "--accept-config", sha256)
  assert.equal(done.code, 0, done.err)
  assert.equal(statSync(box.path("new/.openclaw")).mode & 0o777, 0o700)
  assert.equal(readFileSync(box.path("new/.openclaw/agents/main/sessions/a.jsonl"), "utf8"), '{"a":1}\n')
  assert.doesNotMatch(readFileSync(box.path("new/notes", CONFIG), "utf8"), /credentials/)
  assert.match(done.out, /Install OpenClaw[^]*workspace [^\n]*new\/notes[^]*openclaw gateway start/)
  const status = run("agent", "status", "--workspace", box.path("new/notes"), "--json")
  assert.doesNotMatch(status.out, /no-sessions/)
  const wrong = run("agent", "restore", "1999-01-01T00:00:00Z", "--workspace", box.path("new/notes"))
  assert.match(wrong.err, /holdfast agent status lists/)
  assert.doesNotMatch(wrong.err, /sync_/)
})
