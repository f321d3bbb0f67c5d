import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { flippedBits, wrongLengths } from "../testing/damage.ts"
import { decodeKeyslot, encodeKeyslot, type Keyslot, keyslotBound } from "./keyslot.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"

const slot: Keyslot = {
  repository: "00112233445566778899aabbccddeeff" as RepositoryId,
  kind: "passphrase",
  kdf: { memoryKiB: 262_144, passes: 3, lanes: 4 },
  salt: new Uint8Array(32).fill(1),
  public: new Uint8Array(32).fill(2),
  sealed: new Uint8Array(48).fill(3),
}
const rawSlot: Keyslot = { ...slot, kind: "key", kdf: null }

function fields(change: { [key: string]: Value }): Bytes {
  const kdf = { lanes: 4, memoryKiB: 262_144, name: "argon2id", passes: 3 }
  const fixed = { public: slot.public, repository: new Uint8Array(16), salt: slot.salt, sealed: slot.sealed }
  return concatBytes([utf8("HFKS"), encodeCanonical({ kdf, kind: "passphrase", v: 0, ...fixed, ...change })])
}

describe("decodeKeyslot()", () => {
  test("reads what encodeKeyslot() writes, for every kind", () => {
    for (const each of [slot, rawSlot, { ...rawSlot, kind: "recovery" as const }]) {
      assert.deepEqual(decodeKeyslot(encodeKeyslot(each), "keys/x"), each)
    }
  })

  const kdf = (change: { [key: string]: Value }): { [key: string]: Value } => ({
    kdf: { lanes: 4, memoryKiB: 262_144, name: "argon2id", passes: 3, ...change },
  })
  const wrong: [string, Bytes, RegExp][] = [
    [
      "less memory than an attacker must pay for",
      fields(kdf({ memoryKiB: 65_535 })),
      /memoryKiB: 65535 is not/,
    ],
    ["memory that would exhaust the machine", fields(kdf({ memoryKiB: 1_048_577 })), /memoryKiB/],
    ["one pass", fields(kdf({ passes: 1 })), /passes/],
    ["eleven passes", fields(kdf({ passes: 11 })), /passes/],
    ["no lane", fields(kdf({ lanes: 0 })), /lanes/],
    ["nine lanes", fields(kdf({ lanes: 9 })), /lanes/],
    ["another function", fields(kdf({ name: "md5" })), /not one of argon2id/],
    ["a passphrase that is not stretched", fields({ kdf: null }), /does not fit a slot of kind passphrase/],
    ["a raw key that is stretched", fields({ kind: "key" }), /does not fit a slot of kind key/],
    ["an unknown kind", fields({ kind: "cloud" }), /not one of passphrase, key, recovery/],
    ["a seal of another length", fields({ sealed: new Uint8Array(49) }), /49 bytes instead of 48/],
    ["a short salt", fields({ salt: new Uint8Array(16) }), /16 bytes instead of 32/],
  ]
  for (const [name, bytes, message] of wrong) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => decodeKeyslot(bytes, "keys/x"),
        (error) => isEngineError(error, "keyslot") && error.kind === "corrupt" && message.test(error.message),
      )
    })
  }

  test("refuses every truncation and an extra byte, and never crashes on a flipped bit", () => {
    const whole = encodeKeyslot(slot)
    for (const damaged of wrongLengths(whole)) {
      assert.throws(
        () => decodeKeyslot(damaged, "keys/x"),
        (error) => isEngineError(error) && error.kind === "corrupt",
      )
    }
    for (const { damaged } of flippedBits(whole)) {
      try {
        assert.deepEqual(encodeKeyslot(decodeKeyslot(damaged, "keys/x")), damaged)
      } catch (error) {
        assert.ok(isEngineError(error), String(error))
      }
    }
  })
})

describe("keyslotBound()", () => {
  test("is the object without its seal, so the seal binds all of it", () => {
    const bound = keyslotBound(slot)
    assert.deepEqual(keyslotBound({ ...slot, sealed: new Uint8Array(48) } as Keyslot), bound)
    for (const change of [
      { repository: "f".repeat(32) as RepositoryId },
      { kdf: { memoryKiB: 262_144, passes: 4, lanes: 4 } },
      { salt: new Uint8Array(32) },
      { public: new Uint8Array(32) },
    ]) {
      assert.notDeepEqual(keyslotBound({ ...slot, ...change }), bound)
    }
  })
})
