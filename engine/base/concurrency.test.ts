import assert from "node:assert/strict"
import { test } from "node:test"
import { setImmediate } from "node:timers/promises"
import { forEachBounded } from "./concurrency.ts"

test("forEachBounded() does everything, and never more at once than the limit", async () => {
  const done: number[] = []
  let running = 0
  let most = 0
  await forEachBounded([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running)
    await setImmediate()
    running--
    done.push(item)
  })
  assert.equal(most, 3)
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7],
  )
})

test("forEachBounded() waits for running calls, starts nothing after a failure, and rejects with it", async () => {
  const started: number[] = []
  let ended = 0
  const all = forEachBounded([1, 2, 3, 4, 5], 2, async (item) => {
    started.push(item)
    await setImmediate()
    if (item === 1) throw new Error("first")
    await setImmediate()
    ended++
  })
  await assert.rejects(all, /first/)
  assert.deepEqual(started, [1, 2])
  assert.equal(ended, 1)
})
