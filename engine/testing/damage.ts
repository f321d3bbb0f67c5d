/** Every small damage to bytes, for tests that damaged bytes are refused. */

/** Yields copies of `bytes`, each with one bit flipped. */
export function* flippedBits(
  bytes: Uint8Array,
): Generator<{ bit: number; damaged: Uint8Array<ArrayBuffer> }> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = new Uint8Array(bytes)
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield { bit, damaged }
  }
}

/** Yields each proper prefix of `bytes`, and `bytes` with one more byte. */
export function* wrongLengths(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let length = 0; length < bytes.length; length++)
    yield bytes.slice(0, length) as Uint8Array<ArrayBuffer>
  const longer = new Uint8Array(bytes.length + 1)
  longer.set(bytes)
  yield longer
}
