import * as assert from "node:assert/strict"
import { test } from "node:test"
import { rowSum, type Column } from "./row-sum.ts"

const ROW: readonly Column[] = [
  7,
  2 ** 52 + 1,
  "café",
  "path/".repeat(300),
  new Uint8Array(20).fill(3),
  new Uint8Array(300).fill(9),
  null,
]

test("rowSum() detects every flipped bit of every column", () => {
  const sum = rowSum(ROW)
  assert.equal(rowSum(ROW), sum)
  const flipped: Column[][] = []
  for (const [i, column] of ROW.entries()) {
    const withColumn = (changed: Column): void => void flipped.push(ROW.with(i, changed))
    if (column instanceof Uint8Array) {
      for (let bit = 0; bit < column.length * 8; bit++) {
        const bytes = column.slice()
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        withColumn(bytes)
      }
    } else if (typeof column === "number") {
      for (let bit = 0; bit < 53; bit++) withColumn(Number(BigInt(column) ^ (1n << BigInt(bit))))
      for (const other of [-column, column + 0.5, String(column), null]) withColumn(other)
    } else if (column !== null) {
      for (let at = 0; at < column.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const code = column.charCodeAt(at) ^ (1 << bit)
          withColumn(column.slice(0, at) + String.fromCharCode(code) + column.slice(at + 1))
        }
      }
    } else for (const other of [0, "", new Uint8Array(0)]) withColumn(other)
  }
  for (const row of flipped) assert.notEqual(rowSum(row), sum, JSON.stringify(row))
  assert.ok(flipped.length > 2600)
})

test("rowSum() depends on where one column ends and the next one starts", () => {
  assert.notEqual(rowSum(["ab", "c"]), rowSum(["a", "bc"]))
  assert.notEqual(
    rowSum([new Uint8Array([1, 2]), new Uint8Array([3])]),
    rowSum([new Uint8Array([1]), new Uint8Array([2, 3])]),
  )
})
