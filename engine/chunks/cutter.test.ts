import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { describe, test } from "node:test"
import * as fc from "fast-check"
import { naiveCuts } from "../testing/naive-cuts.ts"
import { CHUNK_SIZES, FILE_CLASS, type ChunkSizes } from "./classes.ts"
import { createCutter, type Cutter, gearTable, WINDOW_HEADROOM_BYTES } from "./cutter.ts"

const MiB = 1024 * 1024
const KEY = new Uint8Array(32).fill(1)
const GEAR = gearTable(KEY)
const cutter = createCutter(GEAR, 4 * MiB)
const { small, medium, large, huge } = FILE_CLASS
const CDC = [small, medium, large, huge].map((fileClass) => CHUNK_SIZES[fileClass])

function cutsOf(by: Cutter, content: Uint8Array, sizes: ChunkSizes, last = true): number[] {
  by.memory.set(content, by.windowOffset)
  return [...by.cut(content.length, sizes, last)]
}

/** Noise, text of few letters, and runs of one byte: gear hashes behave differently on each. */
function contentOf(seed: number, length: number): Buffer {
  const noise = randomBytes(length)
  if (seed === 0) return noise
  if (seed === 1) return noise.map((byte) => 97 + (byte & 3)) as Buffer
  return noise.fill(seed, length >> 2, length >> 1)
}

describe("cut()", () => {
  test("agrees with its naive twin", () => {
    const sizes = fc.constantFrom(...CDC, { min: 64, average: 256, max: 1024, fixed: false })
    const length = fc.integer({ min: 0, max: 300_000 })
    fc.assert(
      fc.property(sizes, length, fc.integer({ min: 0, max: 3 }), (size, bytes, seed) => {
        const content = contentOf(seed, bytes)
        assert.deepEqual(cutsOf(cutter, content, size), naiveCuts(content, size, GEAR))
      }),
      { numRuns: 60 },
    )
  })

  test("agrees with its naive twin around every bound of every class", () => {
    for (const sizes of Object.values(CHUNK_SIZES)) {
      for (const bound of [0, 1, sizes.min, sizes.average, sizes.max, 2 * sizes.max]) {
        for (const length of [bound - 1, bound, bound + 1].filter((each) => each >= 0)) {
          const content = contentOf(0, length)
          assert.deepEqual(cutsOf(cutter, content, sizes), naiveCuts(content, sizes, GEAR), `${length} bytes`)
        }
      }
    }
  })

  test("keeps every chunk within its bounds, and their mean near the average", () => {
    const content = randomBytes(4 * MiB)
    for (const sizes of CDC) {
      const ends = cutsOf(cutter, content, sizes)
      const lengths = ends.map((end, i) => end - (ends[i - 1] ?? 0))
      assert.equal(ends.at(-1), content.length)
      assert.ok(lengths.slice(0, -1).every((length) => length >= sizes.min && length <= sizes.max))
      const mean = content.length / lengths.length
      if (lengths.length > 50)
        assert.ok(mean > sizes.average * 0.7 && mean < sizes.average * 1.6, `mean ${mean}`)
    }
  })

  test("finds the same chunks after an insertion", () => {
    const before = randomBytes(2 * MiB)
    const sizes = CHUNK_SIZES[small]
    const after = Buffer.concat([before.subarray(0, MiB), Buffer.from("a line\n"), before.subarray(MiB)])
    const chunks = new Set(pieces(before, cutsOf(cutter, before, sizes)))
    const fresh = pieces(after, cutsOf(cutter, after, sizes)).filter((piece) => !chunks.has(piece))
    assert.ok(fresh.length <= 4, `${fresh.length} new chunks`)
  })

  test("holds back ends that more bytes could still change", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.constantFrom(...CDC.slice(0, 2)),
        (length, sizes) => {
          const content = contentOf(0, length)
          const early = cutsOf(cutter, content, sizes, false)
          const whole = cutsOf(cutter, Buffer.concat([content, randomBytes(sizes.max)]), sizes)
          assert.deepEqual(early, whole.slice(0, early.length))
          assert.ok(length - (early.at(-1) ?? 0) < sizes.max)
        },
      ),
      { numRuns: 40 },
    )
  })

  test("cuts differently with another key, and the same with the same key", () => {
    const content = randomBytes(MiB)
    const sizes = CHUNK_SIZES[small]
    const other = createCutter(gearTable(new Uint8Array(32).fill(2)), MiB)
    const again = createCutter(gearTable(KEY), MiB)
    const mine = new Set(cutsOf(cutter, content, sizes))
    assert.deepEqual(cutsOf(again, content, sizes), [...mine])
    const shared = cutsOf(other, content, sizes).filter((end) => mine.has(end))
    assert.ok(shared.length < mine.size / 10, `${shared.length} of ${mine.size} cuts are the same`)
  })

  test("cuts pages whatever their content", () => {
    const { max } = CHUNK_SIZES[FILE_CLASS.sqlite]
    assert.deepEqual(cutsOf(cutter, randomBytes(3 * max + 1), CHUNK_SIZES[FILE_CLASS.sqlite]), [
      max,
      2 * max,
      3 * max,
      3 * max + 1,
    ])
    assert.deepEqual(cutsOf(cutter, randomBytes(3 * max + 1), CHUNK_SIZES[FILE_CLASS.sqlite], false), [
      max,
      2 * max,
      3 * max,
    ])
  })

  test("leaves the window unchanged, and its headroom to the caller", () => {
    const content = randomBytes(MiB)
    cutsOf(cutter, content, CHUNK_SIZES[small])
    const at = cutter.windowOffset
    assert.ok(at >= WINDOW_HEADROOM_BYTES)
    assert.equal(Buffer.compare(cutter.memory.subarray(at, at + content.length), content), 0)
  })
})

test("gearTable() returns 256 values of 31 bits, which depend only on the key", () => {
  assert.equal(GEAR.length, 256)
  assert.ok(GEAR.every((value) => value < 2 ** 31))
  assert.deepEqual(gearTable(KEY), GEAR)
  assert.equal(new Set([...GEAR, ...gearTable(new Uint8Array(32).fill(2))]).size, 512)
})

function pieces(content: Buffer, ends: readonly number[]): string[] {
  return ends.map((end, i) => content.toString("latin1", ends[i - 1] ?? 0, end))
}
