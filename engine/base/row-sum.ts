/**
 * A checksum over the columns of a row of local state. SQLite has no checksums for its pages, so a
 * flipped bit would go unnoticed. It detects every single flipped bit, and any other change but for
 * one in 2^32. It protects against damage, not against an attacker.
 */
import { hash } from "node:crypto"

export type Column = number | string | Uint8Array | null

const START = 0x811c9dc5
const PRIME = 0x01000193
const TWO_32 = 2 ** 32
/** Longer blobs and texts are cheaper to hash natively. */
const LOOP_BYTES_MAX = 64
const LOOP_TEXT_MAX = 1024

export function rowSum(columns: readonly Column[]): number {
  let sum = START
  for (const column of columns) sum = addColumn(sum, column)
  return sum >>> 0
}

/** Each step is a bijection of the sum, so different sums stay different. */
function addWord(sum: number, word: number): number {
  return Math.imul(sum ^ word, PRIME)
}

function addColumn(sum: number, column: Column): number {
  if (typeof column === "number") {
    const high = Math.floor(column / TWO_32)
    const isWhole = Number.isSafeInteger(column) ? 1 : 5 // SQLite reads a damaged type as whatever it resembles
    return addWord(addWord(addWord(sum, isWhole), column >>> 0), high | 0)
  }
  if (typeof column === "string") {
    let next = addWord(addWord(sum, 2), column.length)
    if (column.length > LOOP_TEXT_MAX) return addWord(next, hash("sha256", column, "buffer").readUInt32LE(0))
    for (let i = 0; i < column.length; i++) next = addWord(next, column.charCodeAt(i))
    return next
  }
  if (column === null) return addWord(sum, 3)
  const next = addWord(addWord(sum, 4), column.length)
  if (column.length > LOOP_BYTES_MAX) return addWord(next, hash("sha256", column, "buffer").readUInt32LE(0))
  return addBytes(next, column)
}

function addBytes(sum: number, bytes: Uint8Array): number {
  let next = sum
  for (const byte of bytes) next = addWord(next, byte)
  return next
}
