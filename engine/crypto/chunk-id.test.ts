import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { describe, test } from "node:test"

import fc from "fast-check"
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256, sha512 } from "@noble/hashes/sha2.js"

import { type Bytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import type { RepositoryId } from "../base/ids.ts"
import { chunkHasher, chunkIdKey } from "./chunk-id.ts"

/** RFC 4231, test cases 1 to 4, whose keys are no longer than a block. */
const vectors: [string, Uint8Array, Uint8Array, string][] = [
  [
    "1",
    new Uint8Array(20).fill(0x0b),
    utf8("Hi There"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    "2",
    utf8("Jefe"),
    utf8("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    "3",
    new Uint8Array(20).fill(0xaa),
    new Uint8Array(50).fill(0xdd),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  ],
  [
    "4",
    new Uint8Array(25).map((_, i) => i + 1),
    new Uint8Array(50).fill(0xcd),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  ],
]

describe("chunkHasher()", () => {
  for (const [name, key, data, expected] of vectors) {
    test(`returns test case ${name} of RFC 4231`, () =>
      assert.equal(toHex(chunkHasher(key).id(data)), expected))
  }

  test("agrees with createHmac and @noble/hashes, whatever surrounds the chunk", () => {
    const key = fc.uint8Array({ maxLength: 64 })
    const memory = fc.uint8Array({ minLength: 64, maxLength: 2000 })
    fc.assert(
      fc.property(key, memory, fc.nat(), fc.nat(), (secret, bytes, a, b) => {
        const offset = 64 + (a % (bytes.length - 63))
        const length = b % (bytes.length - offset + 1)
        const before = bytes.slice()
        const chunk = bytes.slice(offset, offset + length)
        const hasher = chunkHasher(secret)
        const id = hasher.idInPlace(bytes, offset, length)
        assert.deepEqual(bytes, before, "the memory is as it was")
        assert.equal(toHex(id), createHmac("sha256", secret).update(chunk).digest("hex"))
        assert.equal(toHex(id), toHex(hmac(sha256, secret, chunk)))
        assert.deepEqual(hasher.id(chunk), id)
      }),
      { numRuns: 200 },
    )
  })

  test("isId() accepts only the right id, at every offset, and leaves the memory unchanged", () => {
    const memory = new Uint8Array(300).map((_, i) => i * 7)
    const before = memory.slice()
    const hasher = chunkHasher(new Uint8Array(32).fill(9))
    for (const [offset, length] of [
      [0, 300],
      [0, 0],
      [63, 5],
      [64, 236],
      [200, 100],
    ] as const) {
      const id = Buffer.from(hasher.id(memory.slice(offset, offset + length)))
      const isId = (bytes: Buffer): boolean => hasher.isId(bytes.toString("latin1"), memory, offset, length)
      assert.equal(isId(id), true)
      for (let bit = 0; bit < 256; bit++) {
        const wrong = Buffer.from(id)
        wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(isId(wrong), false)
      }
      assert.equal(isId(id.subarray(0, 31)), false)
    }
    assert.deepEqual(memory, before)
  })

  test("id() hashes chunks larger than its first scratch memory, and small ones after", () => {
    const key = new Uint8Array(32).fill(3)
    const hasher = chunkHasher(key)
    for (const length of [0, 1, 65_536, 65_537, 1_000_000, 5]) {
      const data = new Uint8Array(length).fill(length & 0xff)
      assert.equal(toHex(hasher.id(data)), createHmac("sha256", key).update(data).digest("hex"))
    }
  })

  test("two hashers don't interfere, and ids are separate memory", () => {
    const one = chunkHasher(new Uint8Array(32).fill(1))
    const two = chunkHasher(new Uint8Array(32).fill(2))
    const first = one.id(utf8("a"))
    const kept = first.slice()
    two.id(utf8("b"))
    assert.deepEqual(one.id(utf8("a")), kept)
    assert.deepEqual(first, kept)
    assert.equal(first.buffer.byteLength, 32)
  })

  test("idInPlace() asserts room before the chunk and an end within the memory", () => {
    const hasher = chunkHasher(new Uint8Array(32))
    assert.throws(() => hasher.idInPlace(new Uint8Array(100), 63, 1), /bug: no room/)
    assert.throws(() => hasher.idInPlace(new Uint8Array(100), 64, 37), /bug: no room/)
  })
})

describe("chunkIdKey()", () => {
  test("derives a separate key for each kind, as spec/keys.md says", () => {
    const repository = "00112233445566778899aabbccddeeff" as RepositoryId
    const chunkKey = new Uint8Array(32).fill(0x55)
    for (const kind of ["data", "listing", "chunk-list"] as const) {
      const salt = fromHex(repository) as Bytes
      const expected = nobleHkdf(sha512, chunkKey, salt, utf8(`holdfast/1/chunk-id/${kind}`), 32)
      assert.deepEqual(chunkIdKey(chunkKey, repository, kind), expected)
    }
  })
})
