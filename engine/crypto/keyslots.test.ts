import assert from "node:assert/strict"
import { argon2Sync } from "node:crypto"
import { describe, test } from "node:test"

import { gcm } from "@noble/ciphers/aes.js"
import { x25519 } from "@noble/curves/ed25519.js"
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js"
import { sha512 } from "@noble/hashes/sha2.js"

import { type Bytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import { decodeKeyslot, encodeKeyslot, type KdfParameters, keyslotBound } from "../format/keyslot.ts"
import { flippedBits } from "../testing/damage.ts"
import { smallTrust } from "../testing/small-trust.ts"
import { digestOf } from "./digest.ts"
import { makeKeyslot, openKeyslot, openKeyslots, type SlotSecret, type StoredSlot } from "./keyslots.ts"

const made = await smallTrust("keyslots")
const { repository, record, key, recovery } = made
/** The cheapest parameters within the bounds: a quarter of a second. */
const kdf: KdfParameters = { memoryKiB: 65_536, passes: 2, lanes: 1 }
const secret: SlotSecret = { kind: "passphrase", text: "Grüße \u212b" } // the last is the angstrom sign
const salt = new Uint8Array(32).fill(9)
const phrase = await makeKeyslot({ repository, repositoryDigest: digestOf(record), secret, salt, kdf })

function stored(bytes: Bytes): StoredSlot {
  return { id: digestOf(bytes), bytes }
}

const wrongKey = (error: unknown): boolean => isEngineError(error, "wrong-key") && error.kind === "denied"

describe("makeKeyslot()", () => {
  test("makes what @noble makes from spec/keys.md", () => {
    const slot = decodeKeyslot(key.bytes, "keys/x")
    const raw = (key.secret as { bytes: Bytes }).bytes
    const derive = (info: string, length: number): Bytes =>
      nobleHkdf(sha512, raw, slot.salt, utf8(info), length) as Bytes
    assert.deepEqual(slot.public, x25519.getPublicKey(derive("holdfast/1/slot-x25519", 32)))
    const sealKey = derive("holdfast/1/slot-seal", 44)
    const digest = fromHex(digestOf(record)) as Bytes
    const sealed = gcm(sealKey.slice(0, 32), sealKey.slice(32), keyslotBound(slot)).encrypt(digest)
    assert.deepEqual(slot.sealed, sealed)
  })

  test("stretches a passphrase with Argon2id over its NFKC form", async () => {
    const message = utf8("Gr\u00fc\u00dfe \u00c5")
    const cost = { memory: 65_536, passes: 2, parallelism: 1, tagLength: 32 }
    const stretched = argon2Sync("argon2id", { message, nonce: salt, ...cost })
    const private32 = nobleHkdf(sha512, stretched, salt, utf8("holdfast/1/slot-x25519"), 32)
    assert.deepEqual(phrase.pair.public, x25519.getPublicKey(private32))
    const typedElsewhere: SlotSecret = { kind: "passphrase", text: "Gru\u0308ße A\u030a" }
    const opened = await openKeyslot({ id: phrase.id, bytes: phrase.bytes }, typedElsewhere, digestOf(record))
    assert.deepEqual(opened?.pair, phrase.pair)
  })

  test("refuses an empty passphrase and raw keys of other lengths", async () => {
    const make = (bad: SlotSecret): Promise<unknown> =>
      makeKeyslot({ repository, repositoryDigest: digestOf(record), secret: bad, salt, kdf })
    await assert.rejects(make({ kind: "passphrase", text: "" }), (error) =>
      isEngineError(error, "empty-passphrase"),
    )
    const short = make({ kind: "key", bytes: new Uint8Array(31) })
    await assert.rejects(short, (error) => isEngineError(error, "secret-length"))
  })
})

describe("openKeyslots()", () => {
  const slots = [key, recovery, phrase].map(({ id, bytes }) => ({ id, bytes }))

  test("finds the slot that a secret belongs to", async () => {
    for (const slot of [key, recovery]) {
      const { id, kind, pair } = slot
      assert.deepEqual(await openKeyslots(slots, slot.secret, record), { id, kind, pair })
    }
    const opened = await openKeyslots(slots, secret, record)
    assert.equal(opened.id, phrase.id)
  })

  test("has one error for every wrong secret, and without any slot", async () => {
    const texts = new Set<string>()
    const wrong: SlotSecret[] = [
      { kind: "passphrase", text: "wrong" },
      { kind: "key", bytes: new Uint8Array(32) },
      { kind: "recovery", bytes: (key.secret as { bytes: Bytes }).bytes },
    ]
    for (const each of wrong) {
      await assert.rejects(openKeyslots(slots, each, record), (error) => {
        texts.add((error as Error).message)
        return wrongKey(error)
      })
    }
    await assert.rejects(openKeyslots([], key.secret, record), wrongKey)
    assert.equal(texts.size, 1)
  })

  test("opens an intact slot if another is damaged, and otherwise names the damaged one", async () => {
    const damaged: StoredSlot = { id: recovery.id, bytes: recovery.bytes.with(50, 0) }
    assert.equal((await openKeyslots([damaged, key], key.secret, record)).id, key.id)
    await assert.rejects(
      openKeyslots([damaged, key], recovery.secret, record),
      (error) => isEngineError(error, "digest") && error.message.startsWith(`keys/${recovery.id}: `),
    )
  })

  test("refuses every flipped bit of a slot by the digest in its name", async () => {
    for (const { damaged } of flippedBits(key.bytes)) {
      const open = openKeyslots([{ id: key.id, bytes: damaged }], key.secret, record)
      await assert.rejects(open, (error) => isEngineError(error, "digest") && error.kind === "corrupt")
    }
  })

  test("refuses every flipped bit of a slot renamed to match", async () => {
    for (const { damaged, bit } of flippedBits(key.bytes)) {
      await assert.rejects(
        openKeyslots([stored(damaged)], key.secret, record),
        (error) =>
          isEngineError(error) &&
          (error.kind === "corrupt" || wrongKey(error) || error.code === "format-too-new"),
        `bit ${bit}`,
      )
    }
  })

  test("refuses every flipped bit of the repository object", async () => {
    for (const { damaged } of flippedBits(record)) {
      await assert.rejects(
        openKeyslots(slots, key.secret, damaged),
        (error) => isEngineError(error, "repository-digest") && error.kind === "corrupt",
      )
    }
  })

  test("refuses a slot whose parameters exceed the bounds, without computing them", async () => {
    const slot = decodeKeyslot(phrase.bytes, "keys/x")
    const costly = encodeKeyslot({ ...slot, kdf: { memoryKiB: 4_194_304, passes: 10, lanes: 1 } })
    const start = performance.now()
    await assert.rejects(openKeyslots([stored(costly)], secret, record), (error) =>
      isEngineError(error, "keyslot"),
    )
    assert.ok(performance.now() - start < 50)
  })

  test("does not accept a slot with its public key replaced by an attacker's", async () => {
    const slot = decodeKeyslot(key.bytes, "keys/x")
    const swapped = encodeKeyslot({ ...slot, public: recovery.pair.public })
    await assert.rejects(openKeyslots([stored(swapped)], key.secret, record), wrongKey)
  })
})

test("digestOf() is SHA-256 in hex", () => {
  assert.equal(digestOf(utf8("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  assert.equal(toHex(fromHex(digestOf(record)) as Bytes), digestOf(record))
})
