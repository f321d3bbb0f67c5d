import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js"
import { sha512 } from "@noble/hashes/sha2.js"

import { type Bytes, concatBytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import type { RepositoryId } from "../base/ids.ts"
import { deriveSealingKey, hkdf, purpose } from "./derive.ts"

describe("hkdf()", () => {
  test("agrees with @noble/hashes for any input", () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 300 }), (key, salt, info, length) => {
        assert.deepEqual(hkdf({ key, salt, info, length }), nobleHkdf(sha512, key, salt, info, length))
      }),
    )
  })

  // The inputs of RFC 5869, A.1. It prints outputs for SHA-256 and SHA-1 only; @noble gives SHA-512's.
  test("agrees with @noble/hashes on the inputs of RFC 5869", () => {
    const key = new Uint8Array(22).fill(0x0b)
    const salt = fromHex("000102030405060708090a0b0c") as Bytes
    const info = fromHex("f0f1f2f3f4f5f6f7f8f9") as Bytes
    const expected = "832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c1481579338da362cb8d9f925d7cb"
    assert.equal(toHex(hkdf({ key, salt, info, length: 42 })), expected)
    assert.equal(toHex(nobleHkdf(sha512, key, salt, info, 42)), expected)
  })
})

describe("deriveSealingKey()", () => {
  test("is HKDF of the root with the repository id as salt", () => {
    const repository = "00112233445566778899aabbccddeeff" as RepositoryId
    const root = new Uint8Array(32).fill(7)
    const salt = fromHex(repository) as Bytes
    const expected = nobleHkdf(sha512, root, salt, utf8("holdfast/1/seal"), 32)
    assert.deepEqual(deriveSealingKey(root, repository, 3), { epoch: 3, repository, key: expected })
  })
})

describe("purpose()", () => {
  test("puts the program's domain before the text and the context after it", () => {
    const expected = concatBytes([utf8("holdfast/1/box"), new Uint8Array([1, 2])])
    assert.deepEqual(purpose("box", new Uint8Array([1]), new Uint8Array([2])), expected)
  })
})
