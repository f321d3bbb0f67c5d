import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { describe, test } from "node:test"
import { constants, zstdCompressSync } from "node:zlib"
import * as fc from "fast-check"
import { createZstd, nodeZstd, type Zstd } from "./zstd.ts"

const implementations: readonly Zstd[] = [createZstd(), nodeZstd()]

function compressed(zstd: Zstd, raw: Uint8Array): Uint8Array {
  const target = new Uint8Array(zstd.bound(raw.length))
  return target.subarray(0, zstd.compress(target, raw))
}

function withoutSize(raw: Uint8Array): Uint8Array {
  return zstdCompressSync(raw, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })
}

/** Noise, zeros and text. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.integer({ min: 0, max: 200_000 }).map((length) => new Uint8Array(length)),
  fc
    .array(fc.constantFrom("backup ", "restore ", "\n"), { maxLength: 5000 })
    .map((words) => Buffer.from(words.join(""))),
)

describe("zstd", () => {
  test("createZstd() uses the native package if it is installed", () => {
    assert.equal(implementations[0]?.implementation, "zstd-napi")
    assert.equal(implementations[1]?.implementation, "node:zlib")
  })

  test("decompress() of each implementation reads what compress() of each wrote", () => {
    fc.assert(
      fc.property(content, (raw) => {
        for (const from of implementations) {
          const frame = compressed(from, raw)
          for (const to of implementations) {
            const back = new Uint8Array(raw.length)
            to.decompress(back, frame)
            assert.equal(Buffer.compare(back, raw), 0)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  for (const zstd of implementations) {
    const name = zstd.implementation
    test(`bound() of ${name} has room for incompressible data`, () => {
      for (const length of [0, 1, 1000, 131_072, 1024 * 1024]) compressed(zstd, randomBytes(length))
    })

    test(`decompress() of ${name} refuses a length that differs from the frame's`, () => {
      const frame = compressed(zstd, new Uint8Array(1000))
      assert.throws(() => zstd.decompress(new Uint8Array(999), frame))
      assert.throws(() => zstd.decompress(new Uint8Array(1001), frame))
      assert.throws(() => zstd.decompress(new Uint8Array(0), frame))
    })

    test(`decompress() of ${name} refuses frames that are truncated, longer or changed`, () => {
      const raw = Buffer.from("what a block holds ".repeat(100))
      const frame = compressed(zstd, raw)
      for (let length = 0; length < frame.length; length++) {
        assert.throws(
          () => zstd.decompress(new Uint8Array(raw.length), frame.subarray(0, length)),
          `${length} bytes`,
        )
      }
      assert.throws(() => zstd.decompress(new Uint8Array(64), randomBytes(64)))
    })

    test(`decompress() of ${name} accepts a frame without its content size, and only one frame`, () => {
      const raw = Buffer.from("what a block holds ".repeat(100))
      const frame = compressed(zstd, raw)
      const unsized = withoutSize(raw)
      const back = new Uint8Array(raw.length)
      zstd.decompress(back, unsized)
      assert.equal(Buffer.compare(back, raw), 0)
      for (const length of [0, raw.length - 1, raw.length + 1]) {
        assert.throws(() => zstd.decompress(new Uint8Array(length), unsized), `into ${length} bytes`)
      }
      const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9])
      const halves = [raw.subarray(0, 900), raw.subarray(900)]
      const others = {
        "bytes behind it": Buffer.concat([frame, Buffer.from("xyz")]),
        "bytes behind one without a size": Buffer.concat([unsized, Buffer.alloc(8)]),
        "a skippable frame behind it": Buffer.concat([frame, skippable]),
        "a skippable frame before it": Buffer.concat([skippable, frame]),
        "two frames": Buffer.concat(halves.map((half) => compressed(zstd, half))),
        "two frames without a size": Buffer.concat(halves.map(withoutSize)),
        nothing: Buffer.alloc(0),
      }
      for (const [what, source] of Object.entries(others)) {
        assert.throws(() => zstd.decompress(new Uint8Array(raw.length), source), what)
      }
    })

    test(`decompress() of ${name} never exceeds the given length for a bomb`, () => {
      const bomb = compressed(zstd, new Uint8Array(64 * 1024 * 1024))
      const before = process.memoryUsage().rss
      assert.throws(() => zstd.decompress(new Uint8Array(1024), bomb))
      assert.ok(process.memoryUsage().rss - before < 32 * 1024 * 1024)
    })
  }
})
