import * as assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { deflateRawSync, zstdCompressSync } from "node:zlib"
import { seededRandom } from "../../fixtures/random.ts"
import { isEngineError } from "../base/errors.ts"
import { createZstd, type Zstd } from "../chunks/zstd.ts"
import { CODEC_STORED, CODEC_ZSTD, FRAME_DATA } from "../format/sealed-header.ts"
import { idOf } from "../testing/example-blocks.ts"
import { addChunk, BLOCK_BYTES, closeBlock, fits, isNoise, openBlock, type ClosedBlock } from "./block.ts"

const zstd = createZstd()

function close(block: ReturnType<typeof openBlock>, by: Zstd = zstd): ClosedBlock {
  return closeBlock(block, by, new Uint8Array(by.bound(BLOCK_BYTES)), new Uint8Array(BLOCK_BYTES))
}

describe("block", () => {
  test("closeBlock() compresses compressible data and leaves the rest unchanged", () => {
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

  test("fits() fills a block to the last byte, and no further", () => {
    const block = openBlock(FRAME_DATA)
    const chunk = new Uint8Array(BLOCK_BYTES - 1)
    addChunk(block, idOf(chunk), chunk)
    assert.equal(fits(block, 1), true)
    assert.equal(fits(block, 2), false)
  })

  test("closeBlock() tries only the head of a block that follows an incompressible one", () => {
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

  test("closeBlock() refuses a block that doesn't decompress to its input", () => {
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

const random = seededRandom("noise")
const program = readFileSync(process.execPath)
const compressed = {
  zstd: zstdCompressSync(program.subarray(0, 4_000_000)),
  deflate: deflateRawSync(program.subarray(0, 4_000_000)),
}

/** Returns the share of pieces of this length that are classified as noise. */
function noiseShare(bytes: Uint8Array, length: number): number {
  let found = 0
  const count = Math.floor(bytes.length / length)
  for (let i = 0; i < count; i++) found += Number(isNoise(bytes.subarray(i * length, (i + 1) * length)))
  return found / count
}

test("isNoise() recognises random and compressed bytes at any length", () => {
  for (const length of [512, 1000, 4096, 16_384, 100_000]) {
    assert.equal(noiseShare(random.bytes(2_000_000), length), 1)
    for (const [name, bytes] of Object.entries(compressed))
      assert.ok(noiseShare(bytes, length) > 0.9, `${name}, ${length}: ${noiseShare(bytes, length)}`)
  }
})

test("isNoise() leaves compressible data to the compressor", () => {
  const text = Buffer.from("Eine Zeile, wie sie in Notizen steht, mit Umlauten: äöü ÄÖÜ ß.\n".repeat(400))
  const hex = Buffer.from(random.bytes(50_000).toString("hex"))
  const base64 = Buffer.from(random.bytes(50_000).toString("base64"))
  const samples = new Int16Array(50_000).map((_, i) => 3000 * Math.sin(i / 9) + random.below(64))
  const even = random.bytes(100_000).map((byte, i) => (i % 2 === 0 ? 0 : byte))
  for (const bytes of [text, hex, base64, new Uint8Array(samples.buffer), even, new Uint8Array(20_000)])
    for (const length of [512, 4096, 16_384])
      assert.equal(noiseShare(bytes, length), 0, `${bytes.length}, ${length}`)
  // A program has few pieces of compressed data.
  assert.ok(noiseShare(program, 16_384) < 0.02)
})

test("isNoise() makes no decision on data that is too short", () => {
  assert.equal(isNoise(random.bytes(511)), false)
  assert.equal(isNoise(new Uint8Array(0)), false)
})
