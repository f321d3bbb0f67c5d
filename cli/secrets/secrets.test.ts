import assert from "node:assert/strict"
import { test } from "node:test"
import { decodeKey } from "./secrets.ts"

const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 8))
const text = (value: string): Uint8Array => Buffer.from(value, "latin1")

test("decodeKey() takes 32 bytes as base64, as hex, or raw", () => {
  const forms = [
    key.toString("base64"),
    `${key.toString("base64url")}\n`,
    key.toString("hex"),
    `${key.toString("hex")}\r\n`,
  ]
  for (const form of forms) assert.deepEqual(Buffer.from(decodeKey(text(form)) ?? []), key)
  assert.deepEqual(Buffer.from(decodeKey(key) ?? []), key)
})

test("decodeKey() refuses other lengths", () => {
  for (const length of [0, 16, 31, 33, 64]) assert.equal(decodeKey(Buffer.alloc(length, 200)), undefined)
  assert.equal(decodeKey(text(key.subarray(1).toString("base64"))), undefined)
})

test("decodeKey() refuses 32 typed letters: that is a passphrase, not a key", () => {
  assert.equal(decodeKey(text("a passphrase of 32 letters, yes.")), undefined)
})
