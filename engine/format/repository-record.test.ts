import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { flippedBits, wrongLengths } from "../testing/damage.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"
import { decodeRepository, encodeRepository, type RepositoryRecord } from "./repository-record.ts"

const record: RepositoryRecord = {
  id: "00112233445566778899aabbccddeeff" as RepositoryId,
  root: new Uint8Array(32).fill(0xaa),
  parameters: { small: { average: 4096 } },
  createdNs: 1_764_000_000_123_456_789n,
}
const whole = encodeRepository(record)

function fields(change: { [key: string]: Value }): Bytes {
  const all = {
    created: 5,
    format: 0,
    id: new Uint8Array(16),
    parameters: {},
    root: new Uint8Array(32),
    ...change,
  }
  return concatBytes([utf8("HFRP"), encodeCanonical(all)])
}

describe("decodeRepository()", () => {
  test("reads what encodeRepository() writes", () => {
    const found = decodeRepository(whole, "repository")
    assert.deepEqual({ ...found, parameters: undefined }, { ...record, parameters: undefined })
    assert.deepEqual(encodeRepository(found), whole)
  })

  test("reports a newer format as too new, whatever else is in it", () => {
    for (const bytes of [fields({ format: 1 }), fields({ format: 7, keys: [] })]) {
      assert.throws(
        () => decodeRepository(bytes, "repository"),
        (error) => isEngineError(error, "format-too-new") && error.kind === "invalid",
      )
    }
  })

  const wrong: [string, Bytes, RegExp][] = [
    ["another magic", concatBytes([utf8("HFKS"), whole.subarray(4)]), /magic/],
    ["no format", concatBytes([utf8("HFRP"), encodeCanonical({ id: 1 })]), /number of its format is missing/],
    ["a negative format", fields({ format: -1 }), /format: -1/],
    ["a short id", fields({ id: new Uint8Array(15) }), /id: 15 bytes instead of 16/],
    ["a short root key", fields({ root: new Uint8Array(31) }), /root: 31 bytes instead of 32/],
    ["an unknown key", fields({ zebra: 1 }), /keys that nobody knows/],
    ["parameters that are no map", fields({ parameters: [] }), /parameters: an array instead of a map/],
    ["64 KiB and more", fields({ parameters: { x: new Uint8Array(65_536) } }), /too many/],
  ]
  for (const [name, bytes, message] of wrong) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => decodeRepository(bytes, "repository"),
        (error) => isEngineError(error) && error.kind === "corrupt" && message.test(error.message),
      )
    })
  }

  // The object isn't sealed, so only the digest in a keyslot reveals a changed id or key.
  test("refuses every flipped bit, or reads exactly the flipped bytes, and never crashes", () => {
    for (const { damaged, bit } of flippedBits(whole)) {
      try {
        assert.deepEqual(encodeRepository(decodeRepository(damaged, "repository")), damaged, `bit ${bit}`)
      } catch (error) {
        const isNewer = isEngineError(error, "format-too-new")
        assert.ok(
          isNewer || (isEngineError(error) && error.kind === "corrupt"),
          `bit ${bit}: ${String(error)}`,
        )
      }
    }
  })

  test("refuses every truncation and an extra byte", () => {
    for (const damaged of wrongLengths(whole)) {
      assert.throws(
        () => decodeRepository(damaged, "repository"),
        (error) => isEngineError(error) && error.kind === "corrupt",
      )
    }
  })
})
