import assert from "node:assert/strict"
import { test } from "node:test"
import { startPool } from "./worker-pool.ts"

test("startPool() fails all that wait when a thread ends by itself", async (context) => {
  const pool = startPool<string, { readonly said: string }>({
    entry: "testing/exit-worker",
    workerData: undefined,
  })
  context.after(() => pool.terminate())
  const [first] = pool.threads
  assert.ok(first !== undefined)
  assert.deepEqual(await first.ask("one", []), { said: "one" })
  const waiting = first.ask("exit", [])
  await assert.rejects(waiting, /a worker thread ended with code 3/)
  await assert.rejects(first.ask("two", []), /a worker thread ended with code 3/)
})

test("startPool() ends its threads without a failure", async () => {
  const pool = startPool<string, { readonly said: string }>({
    entry: "testing/exit-worker",
    workerData: undefined,
  })
  for (const thread of pool.threads) assert.deepEqual(await thread.ask("one", []), { said: "one" })
  await pool.terminate()
  pool.throwIfFailed()
})
