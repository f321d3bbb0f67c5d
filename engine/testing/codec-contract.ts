/**
 * The contract of every codec. Damaged bytes are refused as `corrupt`, or they are the only
 * encoding of another value. Nothing else is thrown.
 */
import assert from "node:assert/strict"

import { equalBytes } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import { flippedBits, wrongLengths } from "./damage.ts"

export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** Returns the value, or undefined if the bytes were refused. */
export function decodedOrRefused<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  try {
    return codec.decode(bytes)
  } catch (error) {
    assert.ok(isEngineError(error) && error.kind === "corrupt", String(error))
    return undefined
  }
}

/**
 * Tests every flipped bit and every wrong length of one encoding. Returns how many damaged copies
 * were refused.
 */
export function assertDamageIsSeen<T>(codec: Codec<T>, value: T): number {
  const bytes = codec.encode(value)
  let refused = 0
  const check = (damaged: Uint8Array): void => {
    const found = decodedOrRefused(codec, damaged)
    if (found === undefined) refused++
    else assert.ok(equalBytes(codec.encode(found), damaged), "two encodings of one value")
  }
  for (const { damaged } of flippedBits(bytes)) check(damaged)
  for (const damaged of wrongLengths(bytes)) {
    check(damaged)
    assert.equal(
      decodedOrRefused(codec, damaged),
      undefined,
      `${damaged.length} bytes of ${bytes.length} accepted`,
    )
  }
  return refused
}
