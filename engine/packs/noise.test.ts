import * as assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { it } from "node:test"
import { deflateRawSync, zstdCompressSync } from "node:zlib"
import { seededRandom } from "../../fixtures/random.ts"
import { isNoise } from "./noise.ts"

const random = seededRandom("noise")
const program = readFileSync(process.execPath)
const compressed = {
  zstd: zstdCompressSync(program.subarray(0, 4_000_000)),
  deflate: deflateRawSync(program.subarray(0, 4_000_000)),
}

/** The share of the pieces of this length that are taken for noise. */
function noiseShare(bytes: Uint8Array, length: number): number {
  let found = 0
  const count = Math.floor(bytes.length / length)
  for (let i = 0; i < count; i++) found += Number(isNoise(bytes.subarray(i * length, (i + 1) * length)))
  return found / count
}

it("isNoise() knows random and compressed bytes at any length", () => {
  for (const length of [512, 1000, 4096, 16_384, 100_000]) {
    assert.equal(noiseShare(random.bytes(2_000_000), length), 1)
    for (const [name, bytes] of Object.entries(compressed))
      assert.ok(noiseShare(bytes, length) > 0.9, `${name}, ${length}: ${noiseShare(bytes, length)}`)
  }
})

it("isNoise() leaves to the compressor what it makes smaller", () => {
  const text = Buffer.from("Eine Zeile, wie sie in Notizen steht, mit Umlauten: äöü ÄÖÜ ß.\n".repeat(400))
  const hex = Buffer.from(random.bytes(50_000).toString("hex"))
  const base64 = Buffer.from(random.bytes(50_000).toString("base64"))
  const samples = new Int16Array(50_000).map((_, i) => 3000 * Math.sin(i / 9) + random.below(64))
  const even = random.bytes(100_000).map((byte, i) => (i % 2 === 0 ? 0 : byte))
  for (const bytes of [text, hex, base64, new Uint8Array(samples.buffer), even, new Uint8Array(20_000)])
    for (const length of [512, 4096, 16_384])
      assert.equal(noiseShare(bytes, length), 0, `${bytes.length}, ${length}`)
  // The few pieces of a program that hold compressed data of their own.
  assert.ok(noiseShare(program, 16_384) < 0.02)
})

it("isNoise() says nothing of what is too short to tell", () => {
  assert.equal(isNoise(random.bytes(511)), false)
  assert.equal(isNoise(new Uint8Array(0)), false)
})
