import assert from "node:assert/strict"
import { test } from "node:test"
import { getHeapStatistics } from "node:v8"
import { collectHeap, createHeapBound } from "./heap.ts"

const MIB = 1024 ** 2

function usedBytes(): number {
  return getHeapStatistics().used_heap_size
}

/** Allocates that many bytes: a double takes eight in an array. */
function filled(bytes: number): number[][] {
  return Array.from({ length: bytes / MIB }, () => Array.from({ length: MIB / 8 }, (_, i) => i + 0.5))
}

test("collectHeap() frees what is unreachable, and nothing else", () => {
  let held: number[][] | undefined = filled(32 * MIB)
  collectHeap()
  const full = usedBytes()
  assert.equal(held[31]?.[1], 1.5)
  held = undefined
  collectHeap()
  assert.ok(full - usedBytes() > 30 * MIB, `${full} bytes, ${usedBytes()} after it`)
})

test("createHeapBound() collects only after the heap has grown by 24 MiB since the last collection", () => {
  const held: number[][][] = []
  const hold = (bytes: number): void => void held.push(filled(bytes)) // a separate frame, since a running one may keep its values alive
  collectHeap()
  const boundHeap = createHeapBound()
  const before = usedBytes()
  const leftOf = (bytes: number): number => {
    hold(bytes)
    collectHeap() // it is old now: no young collection frees it
    held.length = 0
    boundHeap()
    return usedBytes() - before
  }
  assert.ok(leftOf(16 * MIB) > 15 * MIB, "it was collected")
  assert.ok(leftOf(32 * MIB) < 4 * MIB, "it was not collected")
})
