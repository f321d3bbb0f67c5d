import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { describe, test } from "node:test"

import fc from "fast-check"
import { ed25519, x25519 } from "@noble/curves/ed25519.js"

import { type Bytes, concatBytes, fromHex, toHex } from "../base/bytes.ts"
import { deviceId, sealingPair, sharedSecret, signingPair } from "./keypair.ts"

const hex = (text: string): Bytes => fromHex(text) as Bytes
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe("sealingPair()", () => {
  test("derives Bob's public key and shared secret of RFC 7748, 6.1", () => {
    const bob = sealingPair(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    assert.equal(toHex(bob.public), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    const alice = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    const shared = sharedSecret(bob.secret, alice)
    assert.equal(shared && toHex(shared), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
  })

  test("agrees with @noble/curves, in both directions", () => {
    fc.assert(
      fc.property(secret, secret, (a, b) => {
        const [one, two] = [sealingPair(a), sealingPair(b)]
        assert.deepEqual(one.public, x25519.getPublicKey(a))
        const shared = sharedSecret(one.secret, two.public)
        assert.deepEqual(shared, x25519.getSharedSecret(b, one.public))
        assert.deepEqual(shared, sharedSecret(two.secret, one.public))
      }),
      { numRuns: 20 },
    )
  })
})

describe("sharedSecret()", () => {
  test("returns the first vector of RFC 7748, 5.2", () => {
    const scalar = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    const point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    const expected = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    const shared = sharedSecret(scalar, point)
    assert.equal(shared && toHex(shared), expected)
  })

  const zeros: [string, string][] = [
    ["zero", "00".repeat(32)],
    ["one", `01${"00".repeat(31)}`],
    ["a point of order eight", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
    ["the other point of order eight", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"],
    ["p - 1", `ec${"ff".repeat(30)}7f`],
    ["p, which is zero", `ed${"ff".repeat(30)}7f`],
  ]
  for (const [name, point] of zeros) {
    test(`is undefined for ${name}, which would make it zero`, () => {
      assert.equal(sharedSecret(new Uint8Array(32).fill(7), hex(point)), undefined)
    })
  }
})

describe("signingPair()", () => {
  test("derives the public keys of RFC 8032 and of @noble/curves", () => {
    const pair = signingPair(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert.equal(toHex(pair.public), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    fc.assert(
      fc.property(secret, (bytes) =>
        assert.deepEqual(signingPair(bytes).public, ed25519.getPublicKey(bytes)),
      ),
      { numRuns: 20 },
    )
  })

  test("keeps a copy of the secret, and refuses other lengths", () => {
    const bytes = new Uint8Array(32).fill(1)
    const pair = signingPair(bytes)
    bytes.fill(0)
    assert.deepEqual(pair.secret, new Uint8Array(32).fill(1))
    assert.throws(() => signingPair(new Uint8Array(31)), /^Error: bug: /)
  })
})

describe("deviceId()", () => {
  test("is the first half of SHA-256 of both public keys", () => {
    const [sign, seal] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const digest = createHash("sha256")
      .update(concatBytes([sign, seal]))
      .digest("hex")
    assert.equal(deviceId(sign, seal), digest.slice(0, 32))
    assert.notEqual(deviceId(seal, sign), deviceId(sign, seal))
  })
})
