/** `doctor` with problems: it prints them, and everything else that it knows. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

function ready(context: TestContext): Sandbox {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a.md"), "first\n")
  box.must("init")
  box.must("backup", box.path("notes"))
  return box
}

/** "bad store" and the like, for findings that are not good. */
function bad({ lines }: Outcome): string[] {
  return lines.filter(({ level }) => level === "bad").map(({ subject }) => String(subject))
}

function subjects({ lines }: Outcome): string[] {
  return lines.filter(({ message_type }) => message_type === "finding").map(({ subject }) => String(subject))
}

const LOCAL = ["program", "file metadata", "compression", "home", "cache"]
const OF_REPOSITORY = ["store", "snapshots", "device", "keys", "clock"]

function assertHas(outcome: Outcome, wanted: readonly string[]): void {
  const found = subjects(outcome)
  for (const subject of wanted) assert.ok(found.includes(subject), `${subject}: ${outcome.out}${outcome.err}`)
  assert.doesNotMatch(outcome.err, /internal error/)
}

test("doctor continues when the store is unreachable or missing", (context) => {
  const box = ready(context)
  const s3 = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y", AWS_REGION: "us-east-1" }
  const environment = { ...s3, HOLDFAST_HOME: box.path("home"), HOLDFAST_KEY_FILE: box.keyFile }
  const words = ["doctor", "--json", "-r", "s3://bucket/prefix", "--endpoint", "http://127.0.0.1:9"]
  const away = box.runWith(environment, words)
  assert.equal(away.code, 17, away.err)
  assert.deepEqual(bad(away), ["store"])
  assertHas(away, [...LOCAL, "known", "device"])
  rmSync(box.repository, { recursive: true })
  const gone = box.run("doctor", "--json")
  assert.notEqual(gone.code, 0)
  assert.ok(bad(gone).length > 0, gone.out)
  assertHas(gone, LOCAL)
})

test("doctor continues without a repository, and with a wrong secret", (context) => {
  const box = ready(context)
  mkdirSync(box.path("empty"))
  const none = box.run("doctor", "--json", "-r", box.path("empty"))
  assert.equal(none.code, 10)
  assertHas(none, [...LOCAL, "repository", "store", "known", "device"])
  writeFileSync(box.path("wrong"), Buffer.alloc(32, 9).toString("base64"), { mode: 0o600 })
  const words = ["doctor", "--json", "-r", box.repository, "--key-file", box.path("wrong")]
  const wrong = box.runWith({ HOLDFAST_HOME: box.path("other") }, words)
  assert.equal(wrong.code, 12)
  assert.deepEqual(bad(wrong), ["secret"])
  assertHas(wrong, [...LOCAL, "store"])
  const credential = box.run("doctor", "--json", "-r", "s3://KEY:hunter2@host")
  assert.equal(credential.code, 2)
  assertHas(credential, LOCAL)
})

test("doctor continues after a damaged home and damaged objects, and lists each of them", (context) => {
  const box = ready(context)
  const files = readdirSync(box.path("home"), { recursive: true, encoding: "utf8" })
  for (const file of files.filter((name) => name.endsWith(".json"))) {
    const path = box.path("home", file)
    const before = readFileSync(path)
    writeFileSync(path, "{")
    const damaged = box.run("doctor", "--json")
    assertHas(damaged, LOCAL)
    writeFileSync(path, before)
  }
  assert.equal(box.run("doctor").code, 0)
  const entries = readdirSync(join(box.repository, "log"), { recursive: true, encoding: "utf8" })
  const entry = entries.find((name) => /^[0-9a-f]{32}\//.test(name)) ?? ""
  rmSync(join(box.repository, "log", entry))
  const rolledBack = box.run("doctor", "--json")
  assert.equal(rolledBack.code, 14)
  assert.ok(bad(rolledBack).includes("store"))
  assertHas(rolledBack, [...LOCAL, ...OF_REPOSITORY])
})
