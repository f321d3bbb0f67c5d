import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"

import { type Bytes, concatBytes } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { CODEC_STORED, FRAME_BODY, KIND_ENTRY, KIND_SEGMENT } from "../format/sealed-header.ts"
import type { RepositoryKeys } from "./derive.ts"
import { newSealer, type SealingKey } from "./seal.ts"
import { openObject, sealingKeyOf, sealObject } from "./sealed-object.ts"

const repository = "00112233445566778899aabbccddeeff" as RepositoryId
const keys: SealingKey = { epoch: 1, repository, key: new Uint8Array(32).fill(0x42) }
const salt = new Uint8Array(24).fill(9)

describe("sealObject()", () => {
  test("and openObject() are inverses for any body", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (body) => {
        const bytes = sealObject(keys, KIND_SEGMENT, salt, body)
        assert.deepEqual(openObject(keys, KIND_SEGMENT, bytes, "index/x"), new Uint8Array(body))
      }),
    )
  })

  test("gives all lengths below 508 the same size, and pads the others", () => {
    const sizes = [0, 1, 508, 509, 5000].map(
      (n) => sealObject(keys, KIND_SEGMENT, salt, new Uint8Array(n)).length,
    )
    assert.deepEqual(sizes, [600, 600, 600, 632, 5208])
  })
})

describe("openObject()", () => {
  const whole = sealObject(keys, KIND_SEGMENT, salt, new Uint8Array(40).fill(1))

  test("refuses every flipped bit", () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const kind = bit >> 3 === 5 ? "invalid" : "corrupt"
      assert.throws(
        () => openObject(keys, KIND_SEGMENT, damaged, "index/x"),
        (error) => isEngineError(error) && error.kind === kind,
        `bit ${bit}`,
      )
    }
  })

  test("refuses every truncation, extra bytes, and another kind", () => {
    const corrupt = (bytes: Uint8Array, kind = KIND_SEGMENT): void =>
      assert.throws(
        () => openObject(keys, kind, bytes, "index/x"),
        (error) => isEngineError(error) && error.kind === "corrupt",
      )
    for (let length = 0; length < whole.length; length++) corrupt(whole.subarray(0, length))
    corrupt(concatBytes([whole, new Uint8Array(1)]))
    corrupt(whole, KIND_ENTRY)
  })

  const layouts: [string, (plaintext: DataView) => void, number][] = [
    ["a body longer than the object", (plaintext) => plaintext.setUint32(0, 600, true), 512],
    ["a body of 2^32-1 bytes", (plaintext) => plaintext.setUint32(0, 0xffff_ffff, true), 512],
    ["more padding than needed", (plaintext) => plaintext.setUint32(0, 5, true), 544],
    ["padding that is not zero", (plaintext) => plaintext.setUint8(511, 1), 512],
    ["less padding than needed", (plaintext) => plaintext.setUint32(0, 6, true), 10],
  ]
  for (const [name, change, length] of layouts) {
    test(`refuses ${name}, even if a key holder sealed it`, () => {
      assert.throws(
        () => openObject(keys, KIND_SEGMENT, sealRaw(length, change), "index/x"),
        (error) => isEngineError(error, "sealed-object") && error.kind === "corrupt",
      )
    })
  }
})

describe("sealingKeyOf()", () => {
  test("finds the key of the object's epoch, or names the missing epoch", () => {
    const set: RepositoryKeys = { repository, epoch: 1, sealing: [keys], chunkKey: salt, chunkerKey: salt }
    const bytes = sealObject(keys, KIND_SEGMENT, salt, new Uint8Array(1))
    assert.equal(sealingKeyOf(set, KIND_SEGMENT, bytes, "index/x"), keys)
    const newer = sealObject({ ...keys, epoch: 2 }, KIND_SEGMENT, salt, new Uint8Array(1))
    assert.throws(
      () => sealingKeyOf(set, KIND_SEGMENT, newer, "index/x"),
      (error) => isEngineError(error, "unknown-epoch") && /epoch 2.*known here is 1/.test(error.message),
    )
  })
})

function sealRaw(length: number, change: (plaintext: DataView) => void): Bytes {
  const plaintext = new Uint8Array(length)
  change(new DataView(plaintext.buffer))
  const sealer = newSealer(keys, KIND_SEGMENT, salt)
  const object = new Uint8Array(72 + length + 16)
  object.set(sealer.header)
  sealer.seal({ number: 0, kind: FRAME_BODY, codec: CODEC_STORED, rawLength: length }, plaintext, object, 72)
  return object
}
