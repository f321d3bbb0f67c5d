import assert from "node:assert/strict"
import { argon2Sync } from "node:crypto"
import { describe, test } from "node:test"

import { argon2id as nobleArgon2id } from "@noble/hashes/argon2.js"

import { toHex, utf8 } from "../base/bytes.ts"
import { argon2id } from "./argon2.ts"

const salt = new Uint8Array(32).fill(7)

describe("argon2id()", () => {
  for (const [memoryKiB, passes, lanes] of [
    [64, 1, 1],
    [256, 3, 4],
    [1024, 2, 3],
  ] as const) {
    test(`agrees with @noble/hashes and node:crypto at ${memoryKiB} KiB, ${passes} passes, ${lanes} lanes`, async () => {
      const password = utf8("pässword")
      const found = toHex(await argon2id(password, salt, { memoryKiB, passes, lanes }))
      assert.equal(
        found,
        toHex(nobleArgon2id(password, salt, { m: memoryKiB, t: passes, p: lanes, dkLen: 32 })),
      )
      const parameters = {
        message: password,
        nonce: salt,
        memory: memoryKiB,
        passes,
        parallelism: lanes,
        tagLength: 32,
      }
      assert.equal(found, argon2Sync("argon2id", parameters).toString("hex"))
    })
  }

  // The vector of RFC 9106, 5.3, has associated data, which our function doesn't take. It proves the
  // two other implementations.
  test("compares with implementations that give the vector of RFC 9106", () => {
    const expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    const password = new Uint8Array(32).fill(1)
    const nonce = new Uint8Array(16).fill(2)
    const [secret, data] = [new Uint8Array(8).fill(3), new Uint8Array(12).fill(4)]
    const noble = nobleArgon2id(password, nonce, {
      m: 32,
      t: 3,
      p: 4,
      dkLen: 32,
      key: secret,
      personalization: data,
    })
    assert.equal(toHex(noble), expected)
    const rest = { memory: 32, passes: 3, parallelism: 4, tagLength: 32, secret, associatedData: data }
    assert.equal(argon2Sync("argon2id", { message: password, nonce, ...rest }).toString("hex"), expected)
  })
})
