import * as assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, test } from "node:test"
import * as fc from "fast-check"
import { seededRandom } from "../../fixtures/random.ts"
import { padme } from "../crypto/padding.ts"
import { PACK_BYTES } from "../format/pack.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_CHUNK_LIST,
  FRAME_DATA,
  FRAME_LISTING,
} from "../format/sealed-header.ts"
import { idOf, openPack, sealTools } from "../testing/example-blocks.ts"
import { BLOCK_BYTES, type FullBlock } from "./block.ts"
import { createPackFiller } from "./pack-filler.ts"
import { groupIntoPacks, sealPack, type SealedPack } from "./seal-pack.ts"

/** Chunks of several kinds and lanes; the seed determines their content. */
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
  test("separates compressible from incompressible data, however they alternate in a file", () => {
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

  test("puts every chunk into exactly one pack, whole, with others of its kind only", () => {
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

  test("keeps the chunks of one lane in order, and lanes apart", () => {
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

  test("hands over full compressible blocks for others to close", () => {
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
      add(random.bytes(64 * 1024)) // noise is closed in place
    }
    assert.equal(handed.length, 2)
    for (const block of handed) helper.close(block)
    const packs = [filler, helper].map((each) => openPack(sealPack(each.drain(), false, tools)))
    assert.equal(packs[1]?.chunks.length, 4)
    const found = packs.flatMap(({ chunks }) => chunks.map(({ bytes }) => digest(bytes)))
    assert.deepEqual(found.toSorted(), added.toSorted())
  })

  test("fills packs of incompressible data to one size, and nearly to their end", () => {
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

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}
