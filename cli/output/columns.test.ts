import assert from "node:assert/strict"
import { test } from "node:test"
import { cutToWidth, padLeft, padRight, table, textWidth } from "./columns.ts"

test("table() lines columns up, numbers to the right", () => {
  assert.deepEqual(
    table(
      ["a", "n"],
      [
        ["long", "1"],
        ["b", "100"],
      ],
      [1],
    ),
    ["a       n", "long    1", "b     100"],
  )
})

test("table() counts wide characters as two cells and combining marks as none, and shows controls", () => {
  assert.deepEqual(
    table(
      ["name", "x"],
      [
        ["漢字", "1"],
        ["e\u0301", "2"],
        ["👩‍👩‍👧", "3"],
        ["\x1b\n", "4"],
      ],
    ),
    ["name      x", "漢字      1", "e\u0301         2", "👩‍👩‍👧        3", "\\x1b\\x0a  4"],
  )
})

test("textWidth(), padRight(), padLeft() and cutToWidth() agree about cells", () => {
  for (const text of ["plain", "漢字テスト", "naïve", "🎉🎉", "e\u0301e\u0301"]) {
    assert.equal(textWidth(padRight(text, 20)), 20)
    assert.equal(textWidth(padLeft(text, 20)), 20)
    for (let width = 0; width < 12; width++) assert.ok(textWidth(cutToWidth(text, width)) <= width)
    assert.equal(cutToWidth(text, 20), text)
  }
})
