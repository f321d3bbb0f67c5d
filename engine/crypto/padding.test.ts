import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"

import { padme } from "./padding.ts"

/** The published form on 32-bit integers: the naive twin. */
function padmeByBits(length: number): number {
  const exponent = 31 - Math.clz32(length)
  const kept = 32 - Math.clz32(exponent)
  const mask = (1 << (exponent - kept)) - 1
  return (length + mask) & ~mask
}

describe("padme()", () => {
  test("agrees with the published form on all small lengths and on any length below 2^30", () => {
    for (let length = 2; length < 20_000; length++) assert.equal(padme(length), padmeByBits(length))
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2 ** 30 }), (n) => assert.equal(padme(n), padmeByBits(n))),
    )
  })

  test("never shrinks, costs at most 12 % and is stable", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (length) => {
        const padded = padme(length)
        assert.ok(padded >= length && padded <= Math.max(length * 1.12, length + 1))
        assert.equal(padme(padded), padded)
      }),
    )
  })

  test("keeps the order of lengths", () => {
    let previous = 0
    for (let length = 0; length < 100_000; length += 7) {
      assert.ok(padme(length) >= previous)
      previous = padme(length)
    }
  })

  test("returns the lengths of the worked example", () => {
    assert.deepEqual(
      [0, 1, 9, 512, 513, 4096, 4097, 1_000_000].map(padme),
      [0, 1, 10, 512, 544, 4096, 4352, 1_015_808],
    )
  })
})
