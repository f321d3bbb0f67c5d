import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMoment, parseSubset, parseSize, parseTime } from "./sizes.ts"

test("parseSize() reads common notations", () => {
  assert.equal(parseSize("500", "f"), 500)
  assert.equal(parseSize("1.5k", "f"), 1536)
  assert.equal(parseSize("20M", "f"), 20 * 2 ** 20)
  assert.equal(parseSize("2GiB", "f"), 2 ** 31)
})

test("parseSize() refuses other text, naming the flag", () => {
  for (const text of ["", "-1", "5x", "1e3", "M"])
    assert.throws(() => parseSize(text, "flag"), /--flag needs a size/)
})

test("parseSubset() reads a share, a part of a whole and a size", () => {
  assert.deepEqual(parseSubset("5%", "f"), { share: 0.05 })
  assert.deepEqual(parseSubset("100%", "f"), { share: 1 })
  assert.deepEqual(parseSubset("2/5", "f"), { part: 2, of: 5 })
  assert.deepEqual(parseSubset("50M", "f"), { bytes: 50 * 2 ** 20 })
  for (const text of ["5", "0%", "101%", "%", "0/5", "6/5", "1/0", "1/", "0M", "x"])
    assert.throws(() => parseSubset(text, "f"), /--f needs a part/)
})

test("parseTime() keeps nanoseconds", () => {
  assert.equal(parseTime("2023-11-14T22:13:20Z", "time"), 1_700_000_000_000_000_000n)
  assert.equal(parseTime("2023-11-14T22:13:20.123456789Z", "time"), 1_700_000_000_123_456_789n)
})

test("parseTime() refuses other text", () => {
  for (const text of ["", "yesterday", "12", "2023-13-01"])
    assert.throws(() => parseTime(text, "time"), /--time needs/)
})

test("parseMoment() takes a day as its first or last moment in local time", () => {
  const midnight = BigInt(new Date(2026, 4, 1).getTime()) * 1_000_000n
  const next = BigInt(new Date(2026, 4, 2).getTime()) * 1_000_000n
  assert.equal(parseMoment("2026-05-01", "f", "start"), midnight)
  assert.equal(parseMoment("2026-05-01", "f", "end"), next - 1n)
  assert.equal(parseMoment("2023-11-14T22:13:20Z", "f", "end"), 1_700_000_000_000_000_000n)
  assert.throws(() => parseMoment("May", "newest", "end"), /--newest needs a time/)
})
