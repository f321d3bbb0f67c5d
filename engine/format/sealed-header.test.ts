import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { type Bytes, toHex } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import {
  decodeSealedHeader,
  encodeSealedHeader,
  KIND_ENTRY,
  KIND_PACK,
  putFrameFields,
} from "./sealed-header.ts"

const salt = new Uint8Array(24).fill(0x11)
const commitment = new Uint8Array(32).fill(0x22)

function header(): Bytes {
  return encodeSealedHeader({ kind: KIND_PACK, epoch: 0x01020304, salt, commitment })
}

describe("encodeSealedHeader()", () => {
  test("writes the 72 bytes as in spec/sealed-object.md", () => {
    const expected = `48465354 01 00 01 00 04030201 00000000 ${"11".repeat(24)} ${"22".repeat(32)}`
    assert.equal(toHex(header()), expected.replaceAll(" ", ""))
  })
})

describe("decodeSealedHeader()", () => {
  test("reads what encodeSealedHeader() writes", () => {
    const found = decodeSealedHeader(header(), KIND_PACK, "thing")
    assert.deepEqual(found, { kind: KIND_PACK, epoch: 0x01020304, salt, commitment })
  })

  const damages: [string, number, number, string, RegExp][] = [
    ["another magic", 0, 0x49, "sealed-header", /magic/],
    ["another kind", 4, KIND_ENTRY, "sealed-header", /contains a chain entry, expected a pack/],
    ["a kind that nobody knows", 4, 99, "sealed-header", /contains a kind 99, expected a pack/],
    ["a newer format", 5, 1, "format-too-new", /format 1; this version reads 0/],
    ["another suite", 6, 2, "sealed-header", /cipher suite 2/],
    ["a flag", 7, 1, "sealed-header", /flags 1/],
    ["a reserved byte", 15, 1, "sealed-header", /reserved/],
  ]
  for (const [name, at, byte, code, message] of damages) {
    test(`refuses ${name}`, () => {
      const bytes = header()
      bytes[at] = byte
      assert.throws(
        () => decodeSealedHeader(bytes, KIND_PACK, "thing"),
        (error) => isEngineError(error, code) && message.test(error.message),
      )
    })
  }

  test("refuses epoch 0 and every truncation", () => {
    const zero = header().fill(0, 8, 12)
    assert.throws(() => decodeSealedHeader(zero, KIND_PACK, "thing"), /epoch 0/)
    for (let length = 0; length < 72; length++) {
      assert.throws(() => decodeSealedHeader(header().subarray(0, length), KIND_PACK, "thing"), /too short/)
    }
  })
})

describe("putFrameFields()", () => {
  test("writes number, kind, codec and raw length", () => {
    const out = new Uint8Array(12).fill(0xff)
    putFrameFields({ number: 0x01020304, kind: 5, codec: 6, rawLength: 0x0708090a }, out, 1)
    assert.equal(toHex(out), "ff0403020105060a090807ff")
  })
})
