import * as assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import type { RawPath } from "../base/ids.ts"
import {
  type ComparedStat,
  type DirectoryCursor,
  encodeDirectoryRecord,
  isRacy,
  openDirectoryRecord,
  type RecordedEntry,
} from "./directory-record.ts"

const rawName = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map(
    (bytes) =>
      Buffer.from(bytes.map((byte) => (byte === 0x2f || byte === 0 ? 0x61 : byte))).toString(
        "latin1",
      ) as RawPath,
  )

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

const entry: fc.Arbitrary<RecordedEntry> = fc.record(
  {
    name: rawName,
    type: fc.constantFrom("file", "directory", "symlink", "fifo", "character-device", "block-device"),
    size: fc.maxSafeNat(),
    mtimeNs: i64,
    ctimeNs: i64,
    inode: u64,
    device: u64,
    links: fc.nat(),
    hardLinkFirst: fc.option(rawName),
    racy: fc.boolean(),
  },
  { noNullPrototype: true },
)

const entries = fc
  .uniqueArray(entry, { maxLength: 20, selector: ({ name }) => name })
  .map((all) => all.toSorted((a, b) => (a.name < b.name ? -1 : 1)))

function cursorOf(all: readonly RecordedEntry[]): DirectoryCursor {
  const cursor = openDirectoryRecord(encodeDirectoryRecord(all))
  assert.ok(cursor)
  return cursor
}

/** All entries, as a cursor finds them. */
function decodeDirectoryRecord(bytes: Uint8Array): RecordedEntry[] | undefined {
  const names: RawPath[] = []
  openDirectoryRecord(bytes)?.rest((name) => names.push(name))
  const cursor = openDirectoryRecord(bytes)
  return cursor && names.map((name) => (cursor.find(name), cursor.entry()))
}

test("decodeDirectoryRecord() returns what encodeDirectoryRecord() encoded", () => {
  fc.assert(
    fc.property(entries, (all) => assert.deepEqual(decodeDirectoryRecord(encodeDirectoryRecord(all)), all)),
  )
})

test("find() agrees with a search of the decoded entries, in any order of names", () => {
  fc.assert(
    fc.property(entries, fc.array(rawName), (all, others) => {
      const cursor = cursorOf(all)
      for (const name of [
        ...all.map((each) => each.name),
        ...others,
        ...all.map((each) => each.name).toReversed(),
      ]) {
        const expected = all.find((each) => each.name === name)
        assert.equal(cursor.find(name), expected !== undefined)
        if (expected !== undefined) assert.deepEqual(cursor.entry(), expected)
      }
    }),
  )
})

test("isUnchanged() is true only for equal type, size, times and inode, and never for a racy entry", () => {
  fc.assert(
    fc.property(entry, (recorded) => {
      const cursor = cursorOf([recorded])
      assert.equal(cursor.find(recorded.name), true)
      assert.equal(cursor.isUnchanged(recorded), !recorded.racy)
      const others: ComparedStat[] = [
        { ...recorded, type: recorded.type === "file" ? "symlink" : "file" },
        { ...recorded, type: "socket" },
        { ...recorded, size: recorded.size === 0 ? 2 ** 32 : recorded.size - 1 },
        { ...recorded, size: recorded.size >= 2 ** 32 ? recorded.size - 2 ** 32 : recorded.size + 2 ** 32 },
        { ...recorded, mtimeNs: BigInt.asIntN(64, recorded.mtimeNs + 1n) },
        { ...recorded, ctimeNs: BigInt.asIntN(64, recorded.ctimeNs + (1n << 40n)) },
        { ...recorded, inode: BigInt.asUintN(64, recorded.inode + (1n << 63n)) },
      ]
      for (const other of others) assert.equal(cursor.isUnchanged(other), false)
    }),
  )
})

test("openDirectoryRecord() refuses bytes that differ from the encoded ones", () => {
  const bytes = encodeDirectoryRecord(fc.sample(entries, { numRuns: 1, seed: 7 })[0] ?? [])
  assert.ok(openDirectoryRecord(bytes))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.equal(openDirectoryRecord(flipped), undefined)
    assert.equal(decodeDirectoryRecord(flipped), undefined)
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(openDirectoryRecord(bytes.subarray(0, length)), undefined)
  }
})

test("isRacy() is true until both times are two seconds old", () => {
  const second = 1_000_000_000n
  const times = (mtimeNs: bigint, ctimeNs: bigint): boolean => isRacy({ mtimeNs, ctimeNs }, 100n * second)
  assert.equal(times(98n * second, 98n * second), false)
  assert.equal(times(98n * second + 1n, 98n * second), true)
  assert.equal(times(98n * second, 98n * second + 1n), true)
  assert.equal(times(200n * second, 0n), true)
})
