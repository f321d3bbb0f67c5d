/** A restore's flushes: in steps, one at a time, and every failure is reported. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { createFlusher } from "./flusher.ts"

const MIB = 1024 ** 2

interface Flush {
  end(): void
  fail(error: Error): void
}

/** A target whose flushes end when the test says so. */
function target(): { flush: () => Promise<void>; flushes: Flush[] } {
  const flushes: Flush[] = []
  const flush = (): Promise<void> =>
    new Promise((resolve, reject) => flushes.push({ end: resolve, fail: reject }))
  return { flush, flushes }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

test("createFlusher() flushes every 128 MiB, and never twice at once", async () => {
  const { flush, flushes } = target()
  const flusher = createFlusher({ flush })
  flusher.written(127 * MIB)
  assert.equal(flushes.length, 0)
  flusher.written(1 * MIB)
  assert.equal(flushes.length, 1)
  flusher.written(300 * MIB)
  flusher.nearlyDone()
  assert.equal(flushes.length, 1)
  flushes[0]?.end()
  await turn()
  flusher.written(1)
  assert.equal(flushes.length, 2)
})

test("createFlusher() starts near the end, however little was written, and ends with a final flush", async () => {
  const { flush, flushes } = target()
  const flusher = createFlusher({ flush })
  flusher.written(10)
  flusher.nearlyDone()
  assert.equal(flushes.length, 1)
  let finished = false
  const finishing = flusher.finish().then(() => (finished = true))
  await turn()
  assert.equal(flushes.length, 1)
  flushes[0]?.end()
  await turn()
  assert.equal(flushes.length, 2)
  assert.equal(finished, false)
  flushes[1]?.end()
  await finishing
})

test("createFlusher() fails with the error of an early flush, even if the last one succeeds", async () => {
  const { flush, flushes } = target()
  const flusher = createFlusher({ flush })
  flusher.written(128 * MIB)
  flushes[0]?.fail(new Error("lost"))
  await turn()
  flusher.nearlyDone()
  flushes[1]?.end()
  await turn()
  await assert.rejects(flusher.finish(), /lost/)
})
