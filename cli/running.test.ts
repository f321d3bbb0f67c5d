/** Two runs at once, and a run that is interrupted: with processes that stay until they are told. */
import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { besides } from "./testing/run-cli-beside.ts"
import { sandbox, type Sandbox } from "./testing/run-cli.ts"

/**
 * A backup that waits for its input, and so holds its series. Whether it does is found out by trying
 * the same series; a try may come first and turn the backup away, which then begins again.
 */
async function holdSeries(context: TestContext, box: Sandbox): Promise<ChildProcess> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const child = spawn(process.execPath, ["dist/cli/main.js", "backup", "--stdin", "--series", "held"], {
      env: { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("home") },
      stdio: ["pipe", "pipe", "pipe"],
    })
    context.after(() => child.kill("SIGKILL"))
    while (child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      if (box.run("backup", "key", "--series", "held").code === 11) return child
    }
  }
  throw new Error("no backup got hold of its series")
}

test("11: another run of this series is at work; a killed one holds nothing", async (context) => {
  const box = sandbox(context)
  box.must("init")
  const child = await holdSeries(context, box)
  const { code, err } = box.run("backup", "key", "--series", "held")
  assert.equal(code, 11, err)
  assert.match(err, /held/)
  box.must("backup", "key", "--series", "another")
  child.kill("SIGKILL")
  await once(child, "close")
  box.must("backup", "key", "--series", "held")
})

test("11: another restore into this target is at work, of any home; a killed one holds nothing", async (context) => {
  const box = sandbox(context)
  const content = randomBytes(4_000_000)
  mkdirSync(box.path("source"))
  writeFileSync(box.path("source", "f"), content)
  box.must("init")
  box.must("backup", "source")
  const target = box.path("target")
  const words = ["restore", "latest", "--target", target]
  const first = besides(box, { HOLDFAST_REPOSITORY: box.repository }).start([
    ...words,
    "--limit-download",
    "50",
  ])
  context.after(() => first.kill("SIGKILL"))
  // the staging folder and the file in it are made under the lock
  while (!existsSync(target) || readdirSync(target, { recursive: true }).length < 2) {
    assert.equal(first.exitCode, null)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const before = readdirSync(target, { recursive: true })
  const other = { ...box.environment, HOLDFAST_HOME: box.path("another home") }
  for (const environment of [box.environment, other]) {
    const { code, err } = box.runWith(environment, words)
    assert.equal(code, 11, err)
    assert.match(err, /target: another restore into this folder is at work/)
    assert.equal(box.runWith(environment, [...words, "--dry-run"]).code, 0)
  }
  assert.deepEqual(readdirSync(target, { recursive: true }), before, "the second one changed nothing")
  box.must("restore", "latest", "--target", box.path("another target"))
  assert.equal(first.exitCode, null, "the first was at work all the time")
  first.kill("SIGKILL")
  await once(first, "close")
  box.must(...words)
  assert.deepEqual(readdirSync(target), ["f"])
  assert.ok(readFileSync(box.path("target", "f")).equals(content))
})

test("130: an interrupted run ends at once, with one line and no stack trace", async (context) => {
  const box = sandbox(context)
  box.must("init")
  const child = await holdSeries(context, box)
  let err = ""
  child.stderr?.on("data", (bytes: Buffer) => (err += bytes.toString()))
  child.kill("SIGINT")
  const [code] = (await once(child, "close")) as [number | null]
  assert.equal(code, 130)
  assert.match(err, /^holdfast: Interrupted[^\n]*\n$/)
  box.must("backup", "key", "--series", "held")
})
