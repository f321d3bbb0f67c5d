import assert from "node:assert/strict"
import { test } from "node:test"
import { isoTime, showCount, showDuration, wrap } from "./format.ts"

test("showDuration() changes its unit with the length", () => {
  assert.equal(showDuration(420), "0.42 s")
  assert.equal(showDuration(12_340), "12.3 s")
  assert.equal(showDuration(185_000), "3:05 min")
  assert.equal(showDuration(7_800_000), "2:10:00 h")
})

test("showCount() agrees with its number", () => {
  assert.equal(showCount(1, "file"), "1 file")
  assert.equal(showCount(12_000, "file"), "12,000 files")
})

test("isoTime() keeps nanoseconds, before 1970 too", () => {
  assert.equal(isoTime(1_700_000_000_123_456_789n), "2023-11-14T22:13:20.123456789Z")
  assert.equal(isoTime(0n), "1970-01-01T00:00:00.000000000Z")
  assert.equal(isoTime(-1n), "1969-12-31T23:59:59.999999999Z")
})

test("isoTime() returns seconds for a time outside the calendar", () => {
  assert.equal(isoTime(2n ** 63n * 1000n), "@9223372036854.775808000")
})

test("wrap() never makes a line longer than its width", () => {
  const lines = wrap("some words that need more than one line", 12)
  assert.ok(lines.every((line) => line.length <= 12))
  assert.equal(lines.join(" "), "some words that need more than one line")
})
