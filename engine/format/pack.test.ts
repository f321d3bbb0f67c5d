import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { isEngineError } from "../base/errors.ts"
import { assertDamageIsSeen } from "../testing/codec-contract.ts"
import { directoryFrame, packWithDirectory } from "../testing/format-values.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"
import {
  checkDirectory,
  decodeDirectory,
  decodeLocator,
  type DirectoryFrame,
  directoryOffset,
  encodeDirectory,
  encodeLocator,
  type Locator,
  locatorFault,
  PACK_BYTES_MAX,
} from "./pack.ts"

const directoryCodec = {
  encode: encodeDirectory,
  decode: (bytes: Uint8Array) => decodeDirectory(bytes, "pack"),
}
const locatorCodec = {
  encode: encodeLocator,
  decode: (bytes: Uint8Array) => decodeLocator(bytes, 5000, "pack"),
}
const locator: Locator = {
  directoryOffset: 1000,
  directorySealedLength: 116,
  directoryRawLength: 100,
  directoryCodec: 0,
}

test("decodeDirectory() returns what encodeDirectory() encoded", () => {
  fc.assert(
    fc.property(fc.array(directoryFrame, { minLength: 1, maxLength: 6 }), (frames) => {
      assert.deepEqual(decodeDirectory(encodeDirectory(frames), "pack"), frames)
    }),
  )
})

test("decodeDirectory() detects every flipped bit and wrong length, or accepts another directory's encoding", () => {
  const frames = fc.sample(directoryFrame, { numRuns: 2, seed: 7 })
  assert.ok(assertDamageIsSeen(directoryCodec, frames) > 0)
})

const frame: DirectoryFrame = {
  kind: 1,
  codec: 1,
  sealedLength: 66,
  rawLength: 100,
  ids: new Uint8Array(64),
  lengths: Uint32Array.of(60, 40),
}

function refusal(change: Partial<DirectoryFrame>): string {
  const { kind, codec, sealedLength, rawLength, ids, lengths } = { ...frame, ...change }
  const row: Value = [kind, codec, sealedLength, rawLength, ids, new Uint8Array(lengths.buffer)]
  try {
    decodeDirectory(encodeCanonical([0, [row]]), "pack")
  } catch (error) {
    assert.ok(isEngineError(error, "pack-directory"), String(error))
    return error.message
  }
  return "accepted"
}

test("decodeDirectory() refuses frames that break one rule, and names the rule", () => {
  assert.equal(refusal({}), "accepted")
  assert.match(refusal({ kind: 0 }), /kind 0/)
  assert.match(refusal({ kind: 4 }), /kind 4/)
  assert.match(refusal({ codec: 2 }), /codec 2/)
  assert.match(refusal({ sealedLength: 116 }), /116 sealed bytes for 100 raw ones in codec 1/)
  assert.match(refusal({ codec: 0 }), /66 sealed bytes for 100 raw ones in codec 0/)
  assert.match(refusal({ sealedLength: 16 }), /16 sealed bytes/)
  assert.match(refusal({ rawLength: 0 }), /0 bytes/)
  assert.match(refusal({ rawLength: 4 * 1024 * 1024 + 1 }), /raw length/)
  assert.match(refusal({ lengths: Uint32Array.of(100, 0) }), /a chunk of no bytes/)
  assert.match(refusal({ lengths: Uint32Array.of(60, 41) }), /chunks of 101 bytes in a block of 100/)
  assert.match(refusal({ lengths: Uint32Array.of(0xffff_ffff, 101) }), /in a block of 100/)
  assert.match(refusal({ ids: new Uint8Array(63) }), /63 bytes instead of 64/)
})

test("decodeDirectory() refuses an empty list, and frames longer than any pack", () => {
  const long = {
    ...frame,
    codec: 0,
    sealedLength: 4_000_016,
    rawLength: 4_000_000,
    lengths: Uint32Array.of(1, 3_999_999),
  }
  assert.throws(() => decodeDirectory(encodeCanonical([0, []]), "pack"), /at least one/)
  const frames = Array.from({ length: 17 }, () => long)
  assert.throws(() => decodeDirectory(encodeDirectory(frames), "pack"), /longer than the largest pack/)
})

test("directoryOffset() puts the directory after header and frames without a gap", () => {
  assert.equal(directoryOffset([frame, frame, frame]), 270)
})

test("checkDirectory() refuses a directory that does not end where its locator says", () => {
  checkDirectory([frame], { ...locator, directoryOffset: 138 }, "pack")
  assert.throws(
    () => checkDirectory([frame], { ...locator, directoryOffset: 139 }, "pack"),
    /frames end at 138/,
  )
})

test("decodeLocator() returns what encodeLocator() encoded", () => {
  fc.assert(
    fc.property(packWithDirectory, ({ record }) => {
      const { directoryOffset: at, directorySealedLength, directoryRawLength, directoryCodec: codec } = record
      const place = { directoryOffset: at, directorySealedLength, directoryRawLength, directoryCodec: codec }
      assert.deepEqual(decodeLocator(encodeLocator(place), record.sizeBytes, "pack"), place)
    }),
  )
})

test("decodeLocator() detects every flipped bit and wrong length, or accepts another locator's encoding", () => {
  assert.ok(assertDamageIsSeen(locatorCodec, locator) > 80)
})

test("locatorFault() keeps the directory between the header and the locator", () => {
  assert.equal(locatorFault(locator, 1148), undefined)
  assert.match(locatorFault(locator, 1147) ?? "", /in a pack of 1147/)
  assert.match(locatorFault({ ...locator, directoryOffset: 72 }, 5000) ?? "", /at 72/)
  assert.match(locatorFault({ ...locator, directoryRawLength: 99 }, 5000) ?? "", /116 sealed bytes for 99/)
  assert.match(locatorFault({ ...locator, directoryCodec: 1 }, 5000) ?? "", /codec 1/)
  assert.match(locatorFault(locator, PACK_BYTES_MAX + 1) ?? "", /at most/)
})
