import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { ed25519 } from "@noble/curves/ed25519.js"

import { type Bytes, concatBytes, fromHex, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, RepositoryId } from "../base/ids.ts"
import { flippedBits, wrongLengths } from "../testing/damage.ts"
import { deriveSealingKey, type RepositoryKeys } from "./derive.ts"
import { digestOf } from "./digest.ts"
import { signingPair } from "./keypair.ts"
import { type EntryPlace, openEntry, signEntry, verifyEntry } from "./signed-entry.ts"

const repository = "00112233445566778899aabbccddeeff" as RepositoryId
const device = "f0".repeat(16) as DeviceId
const place: EntryPlace = { repository, device, sequence: 0x0102030405 }
const signing = signingPair(new Uint8Array(32).fill(1))
const sealing = deriveSealingKey(new Uint8Array(32).fill(2), repository, 1)
const salt = new Uint8Array(24).fill(3)
const body = utf8("a body")
const keys: RepositoryKeys = { repository, epoch: 1, sealing: [sealing], chunkKey: salt, chunkerKey: salt }
const entry = signEntry(place, body, { sealing, signing, salt })

describe("signEntry()", () => {
  test("signs domain, repository, device, sequence and sealed bytes, as @noble checks", () => {
    const end = entry.bytes.length - 64
    const message = concatBytes([
      utf8("holdfast/1/entry"),
      fromHex(repository) as Bytes,
      fromHex(device) as Bytes,
      new Uint8Array([5, 4, 3, 2, 1, 0, 0, 0]),
      entry.bytes.subarray(0, end),
    ])
    assert.ok(ed25519.verify(entry.bytes.subarray(end), message, signing.public))
    assert.equal(entry.digest, digestOf(entry.bytes))
    assert.equal(entry.bytes.length, 72 + 512 + 16 + 64)
  })
})

describe("verifyEntry()", () => {
  test("accepts the entry, and openEntry() returns its body", () => {
    verifyEntry(entry.bytes, place, entry.digest, signing.public)
    assert.deepEqual(openEntry(entry.bytes, keys, "log/x"), body)
  })

  test("refuses every flipped bit and every other length as damage", () => {
    const damages = [
      ...Array.from(flippedBits(entry.bytes), ({ damaged }) => damaged),
      ...wrongLengths(entry.bytes),
    ]
    for (const damaged of damages) {
      assert.throws(
        () => verifyEntry(damaged, place, entry.digest, signing.public),
        (error) => isEngineError(error, "digest") && error.kind === "corrupt",
      )
    }
  })

  test("refuses every flipped bit of an entry renamed to match, as not signed", () => {
    for (const { damaged } of flippedBits(entry.bytes.subarray(0, 80))) {
      const whole = concatBytes([damaged, entry.bytes.subarray(80)])
      assert.throws(
        () => verifyEntry(whole, place, digestOf(whole), signing.public),
        (error) => isEngineError(error, "entry-signature") && error.kind === "untrusted",
      )
    }
  })

  test("refuses the entry in any other place and from any other device", () => {
    const places: EntryPlace[] = [
      { ...place, sequence: place.sequence + 1 },
      { ...place, device: "0f".repeat(16) as DeviceId },
      { ...place, repository: "f".repeat(32) as RepositoryId },
    ]
    for (const other of places) {
      assert.throws(
        () => verifyEntry(entry.bytes, other, entry.digest, signing.public),
        (error) => isEngineError(error, "entry-signature"),
      )
    }
    const stranger = signingPair(new Uint8Array(32).fill(9)).public
    assert.throws(() => verifyEntry(entry.bytes, place, entry.digest, stranger), /not signed by device/)
  })

  test("refuses bytes too short for a signature", () => {
    const short = new Uint8Array(63)
    assert.throws(
      () => verifyEntry(short, place, digestOf(short), signing.public),
      /too short for a signature/,
    )
  })
})
