import * as assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import { classify, CHUNK_SIZES, FILE_CLASS, mayKeepClass, type FileClass } from "./classes.ts"

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const NO_MAGIC = Buffer.from("plain text here.")
const MAGIC = Buffer.from("SQLite format 3\0", "latin1")

test("classify() depends on size, on both sides of every bound", () => {
  const { piece, small, medium, large, huge } = FILE_CLASS
  const bounds: readonly (readonly [number, FileClass, FileClass])[] = [
    [4 * KiB, piece, small],
    [64 * MiB, small, medium],
    [512 * MiB, medium, large],
    [16 * GiB, large, huge],
  ]
  assert.equal(classify(0, NO_MAGIC), piece)
  for (const [bytesMax, within, above] of bounds) {
    assert.equal(classify(bytesMax, NO_MAGIC), within)
    assert.equal(classify(bytesMax + 1, NO_MAGIC), above)
  }
})

test("classify() keeps a class until the size passes twice or half of a bound", () => {
  const { piece, small, medium } = FILE_CLASS
  assert.equal(classify(128 * MiB, NO_MAGIC, small), small)
  assert.equal(classify(128 * MiB + 1, NO_MAGIC, small), medium)
  assert.equal(classify(32 * MiB + 1, NO_MAGIC, medium), medium)
  assert.equal(classify(32 * MiB, NO_MAGIC, medium), small)
  assert.equal(classify(8 * KiB, NO_MAGIC, piece), piece)
  assert.equal(classify(2 * KiB, NO_MAGIC, small), piece)
})

test("classify() changes no class of a file whose size varies around a bound", () => {
  const bound = fc.constantFrom(4 * KiB, 64 * MiB, 512 * MiB, 16 * GiB)
  const factor = fc.double({ min: 0.51, max: 1.99, noNaN: true })
  fc.assert(
    fc.property(bound, fc.array(factor, { minLength: 2, maxLength: 20 }), (bytes, factors) => {
      const sizes = factors.map((each) => Math.floor(bytes * each))
      let fileClass = classify(sizes[0] ?? 0, NO_MAGIC)
      const seen = new Set([fileClass])
      for (const size of sizes) seen.add((fileClass = classify(size, NO_MAGIC, fileClass)))
      assert.equal(seen.size, 1)
    }),
  )
})

test("classify() never keeps a class that a new file twice as far from the bound would not have", () => {
  const size = fc
    .double({ min: 0, max: Math.log2(64 * GiB), noNaN: true })
    .map((power) => Math.floor(2 ** power))
  fc.assert(
    fc.property(size, fc.constantFrom(0, 1, 2, 3, 4), (bytes, before) => {
      const found = classify(bytes, NO_MAGIC, before as FileClass)
      const allowed = [
        classify(bytes, NO_MAGIC),
        classify(bytes * 2, NO_MAGIC),
        classify(Math.floor(bytes / 2), NO_MAGIC),
      ]
      assert.ok(allowed.includes(found), `${bytes} bytes, class ${before} before, ${found} now`)
    }),
  )
})

test("mayKeepClass() is false only if no previous class makes a difference", () => {
  const near = fc.tuple(
    fc.constantFrom(4 * KiB, 64 * MiB, 512 * MiB, 16 * GiB),
    fc.double({ min: 0.2, max: 5, noNaN: true }),
  )
  fc.assert(
    fc.property(near, fc.constantFrom(0, 1, 2, 3, 4, 5), ([bound, factor], before) => {
      const bytes = Math.floor(bound * factor)
      const differs = classify(bytes, NO_MAGIC, before as FileClass) !== classify(bytes, NO_MAGIC)
      assert.ok(mayKeepClass(bytes) || !differs, `${bytes} bytes, class ${before} before`)
    }),
  )
  assert.equal(mayKeepClass(MiB), false)
})

test("classify() recognises SQLite images by their first bytes only, and drops the class with them", () => {
  assert.equal(classify(8 * KiB, MAGIC), FILE_CLASS.sqlite)
  assert.equal(classify(8 * KiB, MAGIC, FILE_CLASS.small), FILE_CLASS.sqlite)
  assert.equal(classify(4 * KiB, MAGIC), FILE_CLASS.piece)
  assert.equal(classify(4 * GiB + 1, MAGIC), FILE_CLASS.large)
  assert.equal(classify(8 * KiB, MAGIC.subarray(0, 15)), FILE_CLASS.small)
  assert.equal(classify(8 * KiB, NO_MAGIC, FILE_CLASS.sqlite), FILE_CLASS.small)
})

test("CHUNK_SIZES keeps ids at or below one per cent of the raw bytes, and a block contains several chunks", () => {
  for (const { average, max } of Object.values(CHUNK_SIZES)) {
    assert.ok(32 / average <= 0.01)
    assert.ok(max <= MiB)
  }
})
