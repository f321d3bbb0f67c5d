/** The demo as an ordinary user; `package.slow.test.ts` runs it as the user of the tests. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { runOrdinary } from "../../engine/testing/ordinary-user.ts"

test("the demo restores both snapshots equal as an ordinary user", async (context) => {
  const words = ["--import", "tsx", "cli/demo/demo.ts", "node_modules/@aws-sdk"]
  const { code, output } = await runOrdinary(context, words)
  assert.equal(code, 0, output)
  assert.match(output, /both snapshots came back equal/)
})
