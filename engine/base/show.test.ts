import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { test } from "node:test"
import { shellWord, showBytes, showDay, showNumber, showText, showTime } from "./show.ts"

test("showText() escapes only terminal control characters and characters that mislead a reader", () => {
  assert.equal(showText("\x1b]0;evil\x07\r\n\t\x7f\u009b"), "\\x1b]0;evil\\x07\\x0d\\x0a\\x09\\x7f\\u009b")
  assert.equal(showText("a\u202eb\u2066c\u200fd\u061ce\ufefff"), "a\\u202eb\\u2066c\\u200fd\\u061ce\\ufefff")
  assert.equal(showText("\u2028\ud800\u{e0041}"), "\\u2028\\ud800\\u{e0041}")
  for (const text of ["plain", "naïve", "漢字", "👩‍👩‍👧", "می‌خواهم", "\\x1b"]) assert.equal(showText(text), text)
})

test("showText() of its own output changes nothing", () => {
  let text = ""
  for (let code = 0; code < 0x3000; code++) text += String.fromCodePoint(code)
  assert.equal(showText(showText(text)), showText(text))
})

test("showBytes() keeps three digits and names powers of 1,024", () => {
  assert.equal(showBytes(0), "0 B")
  assert.equal(showBytes(1023), "1023 B")
  assert.equal(showBytes(1536), "1.50 KiB")
  assert.equal(showBytes(10 * 1024 * 1024), "10.0 MiB")
  assert.equal(showBytes(2 ** 60), "1024.0 PiB")
})

test("showNumber() separates thousands", () => {
  assert.deepEqual([0, 999, 4686, 1234567].map(showNumber), ["0", "999", "4,686", "1,234,567"])
})

test("showTime() and showDay() are local, and label a time outside the calendar", () => {
  const noon = new Date(2026, 4, 1, 12, 30, 5)
  assert.equal(showTime(BigInt(noon.getTime()) * 1_000_000n), "2026-05-01 12:30:05")
  assert.equal(showDay(noon), "2026-05-01")
  assert.equal(showTime(2n ** 63n * 1000n), "an unknown time")
})

test("shellWord() leaves a plain path unchanged", () => {
  for (const plain of ["/mnt/disk/backups", "s3://bucket/prefix", "s3:https://host:9000/b", "~/notes"])
    assert.equal(shellWord(plain), plain)
})

test("shellWord() makes one word of anything", () => {
  for (const text of ["my notes", "it's", "$HOME", "a\nb", "`x`", "*", "", "'; rm x; '", "\u00fc b"])
    assert.equal(execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" }), text)
})
