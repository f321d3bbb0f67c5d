/** Two runs at once, and a run that is interrupted: with processes that stay until they are told. */
import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { test, type TestContext } from "node:test"
import { sandbox, type Sandbox } from "./testing/run-cli.ts"

/** A backup that waits for its input, and so holds its series. */
function waitingBackup(context: TestContext, box: Sandbox, ...words: string[]): ChildProcess {
  const child = spawn(
    process.execPath,
    ["dist/cli/main.js", "backup", "--stdin", "--series", "held", ...words],
    {
      env: { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("home") },
      stdio: ["pipe", "pipe", "pipe"],
    },
  )
  context.after(() => child.kill("SIGKILL"))
  return child
}

function isHeld(box: Sandbox): boolean {
  return box.run("backup", "key", "--series", "held", "--dry-run").code === 11
}

async function untilHeld(box: Sandbox): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (isHeld(box)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error("the waiting backup never took its series")
}

test("11: another run of this series is at work; a killed one holds nothing", async (context) => {
  const box = sandbox(context)
  box.must("init")
  const child = waitingBackup(context, box)
  await untilHeld(box)
  const { code, err } = box.run("backup", "key", "--series", "held")
  assert.equal(code, 11)
  assert.match(err, /held/)
  assert.equal(box.run("backup", "key", "--series", "another").code, 0)
  child.kill("SIGKILL")
  await once(child, "close")
  assert.equal(box.run("backup", "key", "--series", "held").code, 0)
})

test("130: an interrupted run ends at once, with one line and no stack trace", async (context) => {
  const box = sandbox(context)
  box.must("init")
  const child = waitingBackup(context, box)
  let err = ""
  child.stderr?.on("data", (bytes: Buffer) => (err += bytes.toString()))
  await untilHeld(box)
  child.kill("SIGINT")
  const [code] = (await once(child, "close")) as [number | null]
  assert.equal(code, 130)
  assert.match(err, /^holdfast: interrupted[^\n]*\n$/)
  assert.equal(box.run("backup", "key", "--series", "held").code, 0)
})
