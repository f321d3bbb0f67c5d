import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { assertDamageIsSeen } from "../testing/codec-contract.ts"
import { digestSet, packs, record } from "../testing/format-values.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { decodeSegment, encodeSegment, type IndexSegment } from "./segment.ts"

const segments: fc.Arbitrary<IndexSegment> = record({ packs, supersedes: digestSet })
const decode = (bytes: Uint8Array): IndexSegment => decodeSegment(bytes, "segment")

test("decodeSegment() returns what encodeSegment() encoded", () => {
  fc.assert(fc.property(segments, (segment) => assert.deepEqual(decode(encodeSegment(segment)), segment)))
})

test("encodeSegment() has one encoding, whatever the order of its input", () => {
  fc.assert(
    fc.property(segments, (segment) => {
      const turned = { packs: segment.packs.toReversed(), supersedes: segment.supersedes.toReversed() }
      assert.deepEqual(encodeSegment(turned), encodeSegment(segment))
    }),
  )
})

test("decodeSegment() detects every flipped bit and wrong length, or accepts another segment's encoding", () => {
  const [segment] = fc.sample(segments, { numRuns: 1, seed: 3 })
  assert.ok(segment !== undefined && assertDamageIsSeen({ encode: encodeSegment, decode }, segment) > 0)
})

test("decodeSegment() refuses a segment that breaks one rule, and names the rule", () => {
  const [segment] = fc.sample(segments, { numRuns: 1, seed: 5 })
  assert.ok(segment !== undefined)
  const { packs: rows } = decodeCanonical(encodeSegment(segment), "segment") as { packs: Value[][] }
  const row = rows[0] ?? assert.fail()
  const refused = (change: object): void => {
    const value = { v: 0, packs: [row], supersedes: [], ...change }
    assert.throws(() => decode(encodeCanonical(value)), { code: "segment" })
  }
  refused({ v: 1 })
  refused({ packs: [] })
  refused({ packs: [row, row] })
  refused({ packs: [row.slice(0, 8)] })
  refused({ packs: [row.with(8, null)] })
  refused({ packs: [row.with(8, new Uint8Array(3))] })
  refused({ packs: [row.with(2, 0)] })
  refused({ packs: [row.with(4, 72)] })
  refused({ supersedes: [new Uint8Array(31)] })
  refused({ supersedes: [new Uint8Array(32), new Uint8Array(32)] })
  refused({ more: 1 })
})
