import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { isEngineError } from "../base/errors.ts"
import { schema } from "./schema.ts"

const check = schema("thing-code", "some/object")

function refused(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(isEngineError(error, "thing-code"), String(error))
    assert.equal(error.kind, "corrupt")
    assert.equal(error.detail["object"], "some/object")
    assert.match(error.message, message)
    return true
  })
}

describe("schema()", () => {
  test("map() accepts exactly the given keys", () => {
    assert.equal(check.map({ a: 1, b: 2 }, "top", ["a", "b"]).b, 2)
    refused(() => check.map({ a: 1 }, "top", ["a", "b"]), /some\/object: top: "b" is missing/)
    refused(() => check.map({ a: 1, b: 2, c: 3 }, "top", ["a", "b"]), /top: 1 keys that nobody knows/)
    for (const value of [null, 1, "a", [], new Uint8Array(1)]) {
      refused(() => check.map(value, "top", []), /instead of a map/)
    }
  })

  test("map() does not accept inherited properties as keys", () => {
    refused(() => check.map({}, "top", ["toString"]), /"toString" is missing/)
    refused(() => check.map({}, "top", ["__proto__"]), /"__proto__" is missing/)
  })

  test("dictionary(), array() and tuple() bound their counts", () => {
    assert.deepEqual(check.dictionary({ a: 1 }, "labels", 1), { a: 1 })
    refused(() => check.dictionary({ a: 1, b: 2 }, "labels", 1), /labels: 2 keys, at most 1/)
    assert.equal(check.array([1, 2], "list", 2).length, 2)
    refused(() => check.array([1, 2], "list", 1), /list: 2 items, at most 1/)
    refused(() => check.array({}, "list", 1), /a map instead of an array/)
    refused(() => check.tuple([1, 2], "pair", 3), /pair: 2 items instead of 3/)
  })

  test("int() bounds whole numbers and refuses all others", () => {
    assert.equal(check.int(5, "n", { min: 5, max: 5 }), 5)
    refused(() => check.int(4, "n", { min: 5, max: 9 }), /n: 4 is not between 5 and 9/)
    refused(() => check.int(10, "n", { min: 5, max: 9 }), /between/)
    refused(() => check.int(1.5, "n", { min: 0, max: 9 }), /a float instead of a whole number/)
    refused(() => check.int(5n, "n", { min: 0, max: 9 }), /a wide whole number instead/)
  })

  test("bigInt() accepts both widths and bounds them", () => {
    assert.equal(check.bigInt(5, "ns"), 5n)
    assert.equal(check.bigInt(2n ** 63n - 1n, "ns"), 2n ** 63n - 1n)
    refused(() => check.bigInt(2n ** 63n, "ns"), /between/)
    refused(() => check.bigInt(0.5, "ns"), /a float instead/)
    refused(() => check.bigInt("5", "ns"), /text instead/)
    refused(() => check.bigInt(null, "ns"), /nil instead/)
  })

  test("bytes(), bytesUpTo() and text() bound lengths in bytes", () => {
    assert.equal(check.bytes(new Uint8Array(32), "key", 32).length, 32)
    refused(() => check.bytes(new Uint8Array(31), "key", 32), /key: 31 bytes instead of 32/)
    refused(() => check.bytesUpTo(new Uint8Array(33), "key", 32), /33 bytes, at most 32/)
    refused(() => check.bytes("a", "key", 1), /text instead of bytes/)
    assert.equal(check.text("éé", "label", 4), "éé")
    refused(() => check.text("éé", "label", 3), /4 bytes of text, at most 3/)
    refused(() => check.text(true, "label", 3), /a truth value instead of text/)
  })

  test("oneOf(), bool() and optional() accept only their values", () => {
    assert.equal(check.oneOf("b", "kind", ["a", "b"]), "b")
    refused(() => check.oneOf("c", "kind", ["a", "b"]), /kind: not one of a, b/)
    assert.equal(check.bool(false, "torn"), false)
    refused(() => check.bool(0, "torn"), /a whole number instead of true or false/)
    assert.equal(check.optional(null, "previous", check.bool), null)
    assert.equal(check.optional(true, "previous", check.bool), true)
    refused(() => check.optional(3, "previous", check.bool), /previous/)
  })
})
