import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"
import { ed25519 } from "@noble/curves/ed25519.js"

import { type Bytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import { signingPair } from "./keypair.ts"
import { sign, verify } from "./sign.ts"

const hex = (text: string): Bytes => fromHex(text) as Bytes

/** RFC 8032, 7.1: tests 1 to 3. */
const vectors: [string, string, string, string][] = [
  [
    "1",
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "2",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "3",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
]

describe("sign()", () => {
  for (const [name, secret, message, signature] of vectors) {
    test(`returns test ${name} of RFC 8032, and verify() accepts it`, () => {
      const pair = signingPair(hex(secret))
      assert.equal(toHex(sign(pair, hex(message))), signature)
      assert.ok(verify(pair.public, hex(message), hex(signature)))
    })
  }

  test("agrees with @noble/curves, in both directions", () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(secret, fc.uint8Array({ maxLength: 300 }), (bytes, message) => {
        const pair = signingPair(bytes)
        const signature = sign(pair, message)
        assert.deepEqual(signature, ed25519.sign(message, bytes))
        assert.ok(ed25519.verify(signature, message, pair.public))
      }),
      { numRuns: 20 },
    )
  })
})

describe("verify()", () => {
  const pair = signingPair(new Uint8Array(32).fill(5))
  const message = utf8("a message")
  const signature = sign(pair, message)

  test("refuses every flipped bit of the signature and of the message", () => {
    for (const [bytes, check] of [
      [signature, (damaged: Bytes) => verify(pair.public, message, damaged)],
      [message, (damaged: Bytes) => verify(pair.public, damaged, signature)],
    ] as const) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = bytes.slice()
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(check(damaged), false, `bit ${bit}`)
      }
    }
  })

  test("is false for other lengths, other keys and invalid keys, and never throws", () => {
    assert.equal(verify(pair.public, message, signature.subarray(1)), false)
    assert.equal(verify(pair.public, message, new Uint8Array(65)), false)
    assert.equal(verify(signingPair(new Uint8Array(32)).public, message, signature), false)
    assert.equal(verify(new Uint8Array(32), message, signature), false)
    assert.equal(verify(new Uint8Array(32).fill(0xff), message, signature), false)
    assert.equal(verify(new Uint8Array(31), message, signature), false)
  })

  test("still works after more keys than it caches", () => {
    for (let i = 0; i < 300; i++) {
      const publicKey = pair.public.slice()
      publicKey[0] = i & 0xff
      publicKey[1] = i >> 8
      verify(publicKey, message, signature)
    }
    assert.ok(verify(pair.public, message, signature))
  })
})
