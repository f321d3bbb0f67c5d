/** Two runs at once, and a run that is interrupted: with processes that stay until they are told. */
import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { test, type TestContext } from "node:test"
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
      if (box.run("backup", "key", "--series", "held", "--dry-run").code === 11) return child
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
