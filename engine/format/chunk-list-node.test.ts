import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { assertDamageIsSeen } from "../testing/codec-contract.ts"
import { bytesOf, record } from "../testing/format-values.ts"
import { type ChunkListNode, decodeChunkListNode, encodeChunkListNode } from "./chunk-list-node.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"

const codec = {
  encode: encodeChunkListNode,
  decode: (bytes: Uint8Array) => decodeChunkListNode(bytes, "node"),
}

const nodes: fc.Arbitrary<ChunkListNode> = fc.integer({ min: 1, max: 128 }).chain((count) =>
  record({
    level: fc.constant(0),
    ids: bytesOf(32 * count),
    sizes: fc.constant([]),
  }).chain((leaf) =>
    fc.oneof(
      fc.constant(leaf),
      fc
        .array(fc.integer({ min: 1, max: 2 ** 46 }), { minLength: count, maxLength: count })
        .chain((sizes) => fc.integer({ min: 1, max: 15 }).map((level) => ({ ...leaf, level, sizes }))),
    ),
  ),
)

test("decodeChunkListNode() returns what encodeChunkListNode() encoded", () => {
  fc.assert(fc.property(nodes, (node) => assert.deepEqual(codec.decode(codec.encode(node)), node)))
})

test("decodeChunkListNode() detects every flipped bit and wrong length, or accepts another node's encoding", () => {
  const ids = new Uint8Array(64).fill(9)
  assert.ok(assertDamageIsSeen(codec, { level: 0, ids, sizes: [] }) > 0)
  assert.ok(assertDamageIsSeen(codec, { level: 2, ids, sizes: [5, 2 ** 40] }) > 0)
})

test("decodeChunkListNode() refuses a node that breaks one rule", () => {
  const refused = (value: Value): void =>
    assert.throws(() => codec.decode(encodeCanonical(value)), { code: "chunk-list-node" })
  const id = new Uint8Array(32)
  const size = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer)
  refused([])
  refused([0])
  refused([0, id, size(1n)])
  refused([1, id])
  refused([16, id, size(1n)])
  refused([0, new Uint8Array(0)])
  refused([0, new Uint8Array(33)])
  refused([0, new Uint8Array(129 * 32)])
  refused([1, id, size(1n, 2n)])
  refused([1, id, size(0n)])
  refused([1, id, size(2n ** 53n)])
  refused([1, new Uint8Array(64), size(2n ** 53n - 1n, 1n)])
  refused([1, id, new Uint8Array(7)])
  refused({})
})
