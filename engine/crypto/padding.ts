/**
 * PADMÉ: lengths are rounded up so that only O(log log n) bits of a length can be seen from outside,
 * at a price below 12 %. Used for the last pack of a run and every other sealed object.
 * spec/sealed-object.md.
 */
import { assert } from "../base/assert.ts"

/** The length that `length` is padded to: equal or above, and itself when padded again. */
export function padme(length: number): number {
  assert(Number.isSafeInteger(length) && length >= 0 && length <= 2 ** 48, `padding of length ${length}`)
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const kept = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - kept)
  return Math.ceil(length / step) * step
}
