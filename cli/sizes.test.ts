import assert from "node:assert/strict"
import { test } from "node:test"
import { parsePercent, parseSize, parseTime } from "./sizes.ts"

test("parseSize() reads what people type", () => {
  assert.equal(parseSize("500", "f"), 500)
  assert.equal(parseSize("1.5k", "f"), 1536)
  assert.equal(parseSize("20M", "f"), 20 * 2 ** 20)
  assert.equal(parseSize("2GiB", "f"), 2 ** 31)
})

test("parseSize() refuses what is no size, naming the flag", () => {
  for (const text of ["", "-1", "5x", "1e3", "M"])
    assert.throws(() => parseSize(text, "flag"), /--flag needs a size/)
})

test("parsePercent() reads a part and refuses none or too much", () => {
  assert.equal(parsePercent("5%", "f"), 0.05)
  assert.equal(parsePercent("100%", "f"), 1)
  for (const text of ["5", "0%", "101%", "%"])
    assert.throws(() => parsePercent(text, "f"), /--f needs a part/)
})

test("parseTime() keeps nanoseconds", () => {
  assert.equal(parseTime("2023-11-14T22:13:20Z", "time"), 1_700_000_000_000_000_000n)
  assert.equal(parseTime("2023-11-14T22:13:20.123456789Z", "time"), 1_700_000_000_123_456_789n)
})

test("parseTime() refuses what is no time", () => {
  for (const text of ["", "yesterday", "12", "2023-13-01"])
    assert.throws(() => parseTime(text, "time"), /--time needs/)
})
