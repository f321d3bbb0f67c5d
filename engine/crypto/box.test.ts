import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { gcm } from "@noble/ciphers/aes.js"
import { x25519 } from "@noble/curves/ed25519.js"
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js"
import { sha512 } from "@noble/hashes/sha2.js"

import { type Bytes, concatBytes, fromHex, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { flippedBits, wrongLengths } from "../testing/damage.ts"
import { type BoxContext, openBox, sealBox } from "./box.ts"
import { sealingPair } from "./keypair.ts"

const repository = "00112233445566778899aabbccddeeff" as RepositoryId
const context: BoxContext = { purpose: "epoch-root", repository }
const recipient = sealingPair(new Uint8Array(32).fill(1))
const ephemeral = new Uint8Array(32).fill(2)
const plaintext = new Uint8Array(32).fill(3)
const box = sealBox(recipient.public, plaintext, context, ephemeral)

describe("sealBox()", () => {
  test("makes what @noble makes from spec/keys.md", () => {
    const ephemeralPublic = x25519.getPublicKey(ephemeral)
    const shared = x25519.getSharedSecret(ephemeral, recipient.public)
    const info = concatBytes([utf8("holdfast/1/box/epoch-root"), fromHex(repository) as Bytes])
    const key = nobleHkdf(sha512, shared, concatBytes([ephemeralPublic, recipient.public]), info, 44)
    const sealed = gcm(key.slice(0, 32), key.slice(32), new Uint8Array(0)).encrypt(plaintext)
    assert.deepEqual(box, concatBytes([ephemeralPublic, sealed]))
    assert.equal(box.length, 80)
  })

  test("refuses a recipient whose key would make the shared secret zero", () => {
    assert.throws(
      () => sealBox(new Uint8Array(32), plaintext, context, ephemeral),
      (error) => isEngineError(error, "public-key"),
    )
  })
})

describe("openBox()", () => {
  test("opens only for its recipient and its purpose", () => {
    assert.deepEqual(openBox(recipient, box, context), plaintext)
    assert.equal(openBox(sealingPair(ephemeral), box, context), undefined)
    assert.equal(openBox(recipient, box, { ...context, purpose: "root-signing" }), undefined)
    assert.equal(
      openBox(recipient, box, { ...context, repository: "f".repeat(32) as RepositoryId }),
      undefined,
    )
  })

  test("opens no damaged box", () => {
    for (const { damaged, bit } of flippedBits(box)) {
      // X25519 ignores the top bit of a point, but the key differs, since it is bound as sent.
      assert.equal(openBox(recipient, damaged, context), undefined, `bit ${bit}`)
    }
    for (const damaged of wrongLengths(box)) assert.equal(openBox(recipient, damaged, context), undefined)
    assert.equal(openBox(recipient, new Uint8Array(80), context), undefined)
  })
})
