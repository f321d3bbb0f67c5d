/**
 * PADMÉ padding: rounds a length up so that it reveals O(log log n) bits instead of O(log n), for at
 * most 12 % more bytes. Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs" (PoPETs 2019). Pads a run's last packs and every other sealed object;
 * full packs have one fixed size. spec/sealed-object.md.
 */
import { assert } from "../base/errors.ts"

/** Returns the padded length. It is never smaller, and padding it again changes nothing. */
export function padme(length: number): number {
  assert(Number.isSafeInteger(length) && length >= 0 && length <= 2 ** 48, `padding of length ${length}`)
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const kept = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - kept)
  return Math.ceil(length / step) * step
}
