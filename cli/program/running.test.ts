/** Two runs at once, and an interrupted run: with processes that wait for a signal. */
import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { besides } from "../testing/run-cli-beside.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

const STAGING = ".holdfast-restore-staging"

/**
 * A backup that waits for its input, and so locks its series. The test finds out by trying the same series. If its
 * attempt comes first, the backup is refused and started again.
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

test("11: another run of this series is active; a killed one leaves no lock", async (context) => {
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

/** A restore that was stopped (SIGSTOP) in the middle: its staging folder is there. One that was faster begins again elsewhere. */
async function stoppedRestore(
  context: TestContext,
  box: Sandbox,
): Promise<{ readonly child: ChildProcess; readonly name: string }> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const name = `target-${attempt}`
    const { start } = besides(box, { HOLDFAST_REPOSITORY: box.repository })
    const child = start(["restore", "latest", "--target", box.path(name)])
    context.after(() => child.kill("SIGKILL"))
    const isStaged = (): boolean => existsSync(box.path(name, STAGING))
    while (child.exitCode === null && !isStaged()) await new Promise((resolve) => setTimeout(resolve, 1))
    child.kill("SIGSTOP")
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (isStaged()) return { child, name }
    child.kill("SIGKILL")
  }
  throw new Error("no restore was stopped in time")
}

test("11: another restore into this target is active, of any home; a killed one leaves no lock", async (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("source"))
  const names = Array.from({ length: 1000 }, (_, i) => `file ${i}`)
  for (const name of names) writeFileSync(box.path("source", name), name.repeat(100))
  box.must("init")
  box.must("backup", "source")
  const { child, name } = await stoppedRestore(context, box)
  const words = ["restore", "latest", "--target", name, "--sync", "none"]
  const before = readdirSync(box.path(name), { recursive: true })
  const other = { ...box.environment, HOLDFAST_HOME: box.path("another home") }
  for (const environment of [box.environment, other]) {
    const { code, err } = box.runWith(environment, words)
    assert.equal(code, 11, err)
    assert.match(err, /target-\d+: another restore into this folder is at work/)
    assert.equal(box.runWith(environment, [...words, "--dry-run"]).code, 0)
  }
  assert.deepEqual(readdirSync(box.path(name), { recursive: true }), before, "the second one changed nothing")
  box.must("restore", "latest", "--target", "elsewhere", "--sync", "none")
  child.kill("SIGKILL")
  await once(child, "close")
  box.must(...words)
  assert.deepEqual(readdirSync(box.path(name)).toSorted(), names.toSorted())
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
