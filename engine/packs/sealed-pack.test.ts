import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import type { FrameLocation } from "../chunk-index/chunk-index.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { meteredStore } from "../store/wrappers/metered-store.ts"
import { pattern } from "../testing/store-objects.ts"
import { fetchFrames, mergeRanges } from "./open-pack.ts"

const KIB = 1024
const PACK_BYTES = 16 * KIB * KIB

function frame(offset: number, sealedLength: number): FrameLocation {
  return { number: 0, kind: 0, codec: 0, offset, sealedLength, rawLength: sealedLength }
}

/** Some frames of a pack, in any order. */
const someFrames = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 400 * KIB }),
      length: fc.integer({ min: 1, max: 300 * KIB }),
    }),
    {
      minLength: 1,
      maxLength: 20,
    },
  )
  .map((steps) => {
    let at = 0
    return steps.map(({ gap, length }) => {
      const offset = at + gap
      at = offset + length
      return frame(offset, length)
    })
  })
  .chain((frames) => fc.shuffledSubarray(frames, { minLength: frames.length }))

test("mergeRanges() reads across gaps of up to 128 KiB, and never further", () => {
  const near = mergeRanges([frame(0, 100), frame(100 + 128 * KIB, 50)], PACK_BYTES)
  assert.deepEqual(near, [{ offset: 0, length: 150 + 128 * KIB }])
  const far = mergeRanges([frame(101 + 128 * KIB, 50), frame(0, 100)], PACK_BYTES)
  assert.deepEqual(far, [
    { offset: 0, length: 100 },
    { offset: 101 + 128 * KIB, length: 50 },
  ])
})

test("mergeRanges() reads a pack whole when half of it is needed", () => {
  const half = frame(5, PACK_BYTES / 2)
  assert.deepEqual(mergeRanges([half], PACK_BYTES), [{ offset: 0, length: PACK_BYTES }])
  const less = frame(5, PACK_BYTES / 2 - 1)
  assert.deepEqual(mergeRanges([less], PACK_BYTES), [{ offset: 5, length: less.sealedLength }])
})

test("mergeRanges() covers every frame by one range, keeps ranges apart, and reads no gap that is not within one", () => {
  fc.assert(
    fc.property(someFrames, (frames) => {
      const ranges = mergeRanges(frames, PACK_BYTES)
      if (ranges[0]?.length === PACK_BYTES) return
      for (const { offset, sealedLength } of frames) {
        const around = ranges.filter(
          (range) => range.offset <= offset && offset + sealedLength <= range.offset + range.length,
        )
        assert.equal(around.length, 1)
      }
      const starts = new Set(frames.map(({ offset }) => offset))
      const ends = new Set(frames.map(({ offset, sealedLength }) => offset + sealedLength))
      ranges.forEach((range, i) => {
        assert.ok(starts.has(range.offset) && ends.has(range.offset + range.length))
        const next = ranges[i + 1]
        if (next !== undefined) assert.ok(next.offset - (range.offset + range.length) > 128 * KIB)
      })
    }),
  )
})

test("fetchFrames() gives the bytes of each frame in the order asked, by as many requests as ranges", async () => {
  const name = "ab".repeat(32) as Digest
  const pack = { name, sizeBytes: PACK_BYTES, epoch: 1, salt: new Uint8Array(24) }
  const bytes = pattern(PACK_BYTES)
  const store = meteredStore(memoryStore(new Map([[packName(name), bytes]])))
  const frames = [frame(9_000_000, 70_000), frame(10, 3000), frame(60_000, 5), frame(9_100_000, 1000)]
  const fetched = await fetchFrames(store, pack, frames)
  fetched.sealed.forEach((part, i) => {
    const { offset = 0, sealedLength = 0 } = frames[i] ?? {}
    assert.deepEqual(part, bytes.subarray(offset, offset + sealedLength))
  })
  fetched.free()
  assert.equal(store.traffic().requests.get, 2)
  assert.equal(store.traffic().bytesDown, 59_995 + 101_000)
})
