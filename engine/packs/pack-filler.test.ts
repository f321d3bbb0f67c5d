import * as assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, it } from "node:test"
import * as fc from "fast-check"
import { seededRandom } from "../../fixtures/random.ts"
import { isEngineError } from "../base/errors.ts"
import { createZstd, type Zstd } from "../chunks/zstd.ts"
import { padme } from "../crypto/padding.ts"
import { PACK_BYTES, PACK_BYTES_MIN } from "../format/pack.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_CHUNK_LIST,
  FRAME_DATA,
  FRAME_LISTING,
} from "../format/sealed-header.ts"
import { idOf, openPack, sealTools } from "../testing/example-blocks.ts"
import {
  addChunk,
  BLOCK_BYTES,
  closeBlock,
  fits,
  openBlock,
  type ClosedBlock,
  type FullBlock,
} from "./block.ts"
import { createPackFiller, groupIntoPacks } from "./pack-filler.ts"
import { emptyFill, sealPack, takesBlock, type SealedPack } from "./seal-pack.ts"

const zstd = createZstd()

function close(block: ReturnType<typeof openBlock>, by: Zstd = zstd): ClosedBlock {
  return closeBlock(block, by, new Uint8Array(by.bound(BLOCK_BYTES)), new Uint8Array(BLOCK_BYTES))
}

describe("block", () => {
  it("closeBlock() compresses what compresses and leaves the rest as it is", () => {
    const random = seededRandom("block")
    for (const [content, codec] of [
      [Buffer.alloc(10_000, "text "), CODEC_ZSTD],
      [random.bytes(10_000), CODEC_STORED],
    ] as const) {
      const block = openBlock(FRAME_DATA)
      addChunk(block, idOf(content), content)
      const closed = close(block)
      assert.equal(closed.codec, codec)
      assert.equal(closed.rawLength, 10_000)
      assert.deepEqual([...closed.lengths], [10_000])
      assert.equal(block.rawLength, 0, "the block is ready for the next chunks")
    }
  })

  it("fits() fills a block to the last byte, and no further", () => {
    const block = openBlock(FRAME_DATA)
    const chunk = new Uint8Array(BLOCK_BYTES - 1)
    addChunk(block, idOf(chunk), chunk)
    assert.equal(fits(block, 1), true)
    assert.equal(fits(block, 2), false)
  })

  it("closeBlock() tries only the head of what follows a block that did not compress", () => {
    const random = seededRandom("probe")
    const block = openBlock(FRAME_DATA)
    const tried: number[] = []
    const watched: Zstd = {
      ...zstd,
      compress(target, source) {
        tried.push(source.length)
        return zstd.compress(target, source)
      },
    }
    const codecs = [random.bytes(200_000), random.bytes(200_000), Buffer.alloc(200_000, "text ")].map(
      (chunk) => {
        addChunk(block, idOf(chunk), chunk)
        assert.equal(
          fits(block, 100_000),
          tried.length === 0,
          "only what may compress is put into large blocks",
        )
        return close(block, watched).codec
      },
    )
    assert.deepEqual(codecs, [CODEC_STORED, CODEC_STORED, CODEC_ZSTD])
    assert.deepEqual(tried, [200_000, 32_768, 32_768, 200_000])
  })

  it("closeBlock() refuses a block that does not decompress to what was read", () => {
    const flips: Zstd = {
      ...zstd,
      decompress(target, source) {
        zstd.decompress(target, source)
        target[5] = (target[5] ?? 0) ^ 1
      },
    }
    const block = openBlock(FRAME_DATA)
    addChunk(block, new Uint8Array(32), Buffer.alloc(5000, "a"))
    assert.throws(
      () => close(block, flips),
      (error) => isEngineError(error, "compression-mismatch"),
    )
  })
})

/** Chunks of several kinds and lanes; their content follows from the seed. */
const plan = fc.array(
  fc.record({
    kind: fc.constantFrom(FRAME_DATA, FRAME_DATA, FRAME_LISTING, FRAME_CHUNK_LIST),
    lane: fc.integer({ min: 0, max: 3 }),
    length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: BLOCK_BYTES })),
    isNoise: fc.boolean(),
  }),
  { maxLength: 40 },
)

describe("createPackFiller()", () => {
  it("keeps what compresses apart from what does not, however they take turns in a file", () => {
    const random = seededRandom("turns")
    const filler = createPackFiller(sealTools("turns"), () => assert.fail("less than a pack"))
    for (let i = 0; i < 64; i++) {
      const bytes =
        i % 2 === 0 ? random.bytes(16_384) : Buffer.alloc(16_384, random.bytes(500).toString("hex"))
      filler.add(FRAME_DATA, 1, idOf(bytes), bytes)
    }
    const blocks = filler.drain()
    const half = 32 * 16_384
    const rawBytes = (codec: number): number =>
      blocks.reduce((sum, block) => sum + (block.codec === codec ? block.rawLength : 0), 0)
    assert.equal(rawBytes(CODEC_STORED), half)
    assert.equal(rawBytes(CODEC_ZSTD), half)
  })

  it("puts every chunk into exactly one pack, whole, with others of its kind alone", () => {
    fc.assert(
      fc.property(plan, fc.integer(), (planned, seed) => {
        const random = seededRandom(`filler ${seed}`)
        const tools = sealTools(`filler ${seed}`)
        const packs: SealedPack[] = []
        const filler = createPackFiller(tools, (seal) => packs.push(seal()))
        const added = planned.map(({ kind, lane, length, isNoise }) => {
          const bytes = isNoise ? random.bytes(length) : Buffer.alloc(length, random.bytes(40))
          filler.add(kind, lane, idOf(bytes), bytes)
          return `${kind} ${idOf(bytes).join()} ${digest(bytes)}`
        })
        const full = packs.length
        assert.equal(
          filler.rawBytes,
          planned.reduce((sum, { length }) => sum + length, 0),
        )
        for (const group of groupIntoPacks(filler.drain())) packs.push(sealPack(group, false, tools))
        const found = packs.flatMap((pack, i) => {
          assert.equal(pack.bytes.length, i < full ? PACK_BYTES : padme(pack.bytes.length))
          return openPack(pack).chunks.map(
            ({ kind, id, bytes }) => `${kind} ${[...Buffer.from(id, "hex")].join()} ${digest(bytes)}`,
          )
        })
        assert.deepEqual(found.toSorted(), added.toSorted())
        assert.deepEqual(filler.drain(), [])
      }),
      { numRuns: 25 },
    )
  })

  it("keeps the chunks of one lane in the order they came, and lanes apart", () => {
    const tools = sealTools("lanes")
    const filler = createPackFiller(tools, () => assert.fail("no full pack"))
    for (let i = 0; i < 100; i++) {
      const bytes = Buffer.from(`lane ${i % 2}, chunk ${String(i).padStart(3, "0")}`)
      filler.add(FRAME_DATA, i % 2, idOf(bytes), bytes)
    }
    const { chunks, directory } = openPack(sealPack(filler.drain(), false, tools))
    assert.equal(directory.length, 2)
    for (const frame of [0, 1]) {
      const texts = chunks.filter((chunk) => chunk.frame === frame).map(({ bytes }) => bytes.toString())
      assert.equal(texts.length, 50)
      assert.equal(new Set(texts.map((text) => text.slice(0, 6))).size, 1)
      assert.deepEqual(texts, texts.toSorted())
    }
  })

  it("hands over full blocks that may compress, which another one closes", () => {
    const tools = sealTools("handed")
    const random = seededRandom("handed")
    const handed: FullBlock[] = []
    const helper = createPackFiller(tools, () => assert.fail("less than a pack"))
    const filler = createPackFiller(
      tools,
      () => assert.fail("less than a pack"),
      (take) => handed.length < 2 && handed.push(take()) > 0,
    )
    const added: string[] = []
    const add = (bytes: Buffer): void => {
      filler.add(FRAME_DATA, 1, idOf(bytes), bytes)
      added.push(digest(bytes))
    }
    for (let i = 0; i < 8; i++) {
      add(Buffer.alloc(BLOCK_BYTES / 2, random.bytes(500).toString("hex")))
      add(random.bytes(64 * 1024)) // noise is closed where it is
    }
    assert.equal(handed.length, 2)
    for (const block of handed) helper.close(block)
    const packs = [filler, helper].map((each) => openPack(sealPack(each.drain(), false, tools)))
    assert.equal(packs[1]?.chunks.length, 4)
    const found = packs.flatMap(({ chunks }) => chunks.map(({ bytes }) => digest(bytes)))
    assert.deepEqual(found.toSorted(), added.toSorted())
  })

  it("fills packs of noise to one size, and nearly to their end", () => {
    const random = seededRandom("noise")
    const packs: SealedPack[] = []
    const filler = createPackFiller(sealTools("noise"), (seal) => packs.push(seal()))
    const length = 16 * 1024
    for (let i = 0; i < 3000; i++) {
      const bytes = random.bytes(length)
      filler.add(FRAME_DATA, 0, idOf(bytes), bytes)
    }
    assert.equal(packs.length, 2)
    for (const pack of packs) {
      assert.equal(pack.bytes.length, PACK_BYTES)
      assert.ok(openPack(pack).chunks.length * length > 0.97 * PACK_BYTES)
    }
  })
})

describe("groupIntoPacks()", () => {
  it("agrees with taking blocks one after the other while they fit", () => {
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
  it("takes as much as a full pack has room for, whatever the blocks", () => {
    const blocks: ClosedBlock[] = []
    const fill = emptyFill()
    // the worst case for the directory: very many tiny chunks beside incompressible bytes
    for (let i = 0; ; i++) {
      const block = i % 2 === 0 ? blockOf(1_000_000 + i) : manyChunks(4096)
      if (!takesBlock(fill, block)) break
      blocks.push(block)
    }
    assert.equal(sealPack(blocks, true, sealTools("full")).bytes.length, PACK_BYTES)
  })

  it("pads to a coarse grid, from 4 KiB, and orders frames anew each time", () => {
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

  it("seals one block twice to bytes that share nothing", () => {
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

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}
