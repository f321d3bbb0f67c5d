import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { seededRandom } from "../../fixtures/random.ts"
import type { Digest } from "../base/ids.ts"
import type { FrameLocation } from "../chunk-index/chunk-index.ts"
import { padme } from "../crypto/padding.ts"
import { packName } from "../format/names.ts"
import { PACK_BYTES, PACK_BYTES_MIN } from "../format/pack.ts"
import { CODEC_STORED, FRAME_DATA } from "../format/sealed-header.ts"
import { meteredStore } from "../store/wrappers/metered-store.ts"
import { idOf, openPack, sealTools } from "../testing/example-blocks.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { pattern } from "../testing/store-objects.ts"
import type { ClosedBlock } from "./block.ts"
import { fetchFrames, mergeRanges } from "./open-pack.ts"
import {
  createPackRooms,
  emptyFill,
  giveRoom,
  groupIntoPacks,
  sealPack,
  takeRoom,
  takesBlock,
} from "./seal-pack.ts"

describe("groupIntoPacks()", () => {
  test("agrees with taking blocks one after another while they fit", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3_000_000 }), { maxLength: 60 })
    fc.assert(
      fc.property(sizes, (lengths) => {
        const blocks = lengths.map(blockOf)
        const groups = groupIntoPacks(blocks)
        assert.deepEqual(groups.flat(), blocks)
        groups.forEach((group, i) => {
          const fill = emptyFill()
          assert.ok(group.every((block) => takesBlock(fill, block)))
          const next = groups[i + 1]?.[0]
          assert.ok(next === undefined || !takesBlock(fill, next), "the next block had no room")
        })
      }),
    )
  })
})

describe("sealPack()", () => {
  test("takes as much as fits in a full pack, whatever the blocks", () => {
    const blocks: ClosedBlock[] = []
    const fill = emptyFill()
    // the worst case for the directory: very many tiny chunks and incompressible bytes
    for (let i = 0; ; i++) {
      const block = i % 2 === 0 ? blockOf(1_000_000 + i) : manyChunks(4096)
      if (!takesBlock(fill, block)) break
      blocks.push(block)
    }
    assert.equal(sealPack(blocks, true, sealTools("full")).bytes.length, PACK_BYTES)
  })

  test("pads to a coarse grid, from 4 KiB, and orders frames differently each time", () => {
    const blocks = Array.from({ length: 20 }, (_, i) => blockOf(100 + i))
    const orders = ["a", "b", "c"].map((seed) => {
      const pack = sealPack(blocks, false, sealTools(seed))
      assert.equal(pack.bytes.length, Math.max(PACK_BYTES_MIN, padme(pack.bytes.length)))
      return openPack(pack)
        .directory.map(({ rawLength }) => rawLength)
        .join()
    })
    assert.equal(new Set(orders).size, 3)
  })

  test("seals one block twice to bytes that have nothing in common", () => {
    const packs = ["a", "b"].map((seed) => sealPack([blockOf(100_000)], false, sealTools(seed)).bytes)
    const [first, second] = packs as [Uint8Array, Uint8Array]
    const windows = new Set<string>()
    for (let at = 72; at + 8 <= first.length; at += 8)
      windows.add(Buffer.from(first.subarray(at, at + 8)).toString("hex"))
    let shared = 0
    for (let at = 72; at + 8 <= second.length; at++)
      if (windows.has(Buffer.from(second.subarray(at, at + 8)).toString("hex"))) shared++
    assert.equal(shared, 0)
  })
})

/** An incompressible block of one chunk. */
function blockOf(length: number): ClosedBlock {
  const bytes = seededRandom(`block ${length}`).bytes(length)
  return {
    kind: FRAME_DATA,
    codec: CODEC_STORED,
    rawLength: length,
    ids: idOf(bytes),
    lengths: Uint32Array.of(length),
    bytes: new Uint8Array(bytes),
  }
}

function manyChunks(count: number): ClosedBlock {
  const bytes = seededRandom("many").bytes(count)
  const ids = new Uint8Array(seededRandom("many ids").bytes(count * 32))
  return {
    kind: FRAME_DATA,
    codec: CODEC_STORED,
    rawLength: count,
    ids,
    lengths: new Uint32Array(count).fill(1),
    bytes: new Uint8Array(bytes),
  }
}

test("takeRoom() gives each room to one caller at a time, and reuses those given back", () => {
  const rooms = createPackRooms(3)
  assert.deepEqual(
    rooms.rooms.map((room) => room.length),
    [PACK_BYTES, PACK_BYTES, PACK_BYTES],
  )
  assert.deepEqual(new Set([takeRoom(rooms), takeRoom(rooms), takeRoom(rooms)]), new Set([0, 1, 2]))
  giveRoom(rooms, 1)
  assert.equal(takeRoom(rooms), 1)
  giveRoom(rooms, 2)
  giveRoom(rooms, 0)
  assert.deepEqual(new Set([takeRoom(rooms), takeRoom(rooms)]), new Set([0, 2]))
})

const KIB = 1024

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

test("mergeRanges() reads a pack whole if half of it is needed", () => {
  const half = frame(5, PACK_BYTES / 2)
  assert.deepEqual(mergeRanges([half], PACK_BYTES), [{ offset: 0, length: PACK_BYTES }])
  const less = frame(5, PACK_BYTES / 2 - 1)
  assert.deepEqual(mergeRanges([less], PACK_BYTES), [{ offset: 5, length: less.sealedLength }])
})

test("mergeRanges() covers every frame with one range, keeps ranges apart, and reads only gaps within a range", () => {
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

test("fetchFrames() returns the bytes of each frame in the requested order, with one request per range", async () => {
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
