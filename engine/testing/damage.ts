/** Small damage to bytes and to packs, for tests that damaged bytes are refused. */
import type { Bytes } from "../base/bytes.ts"
import type { DirectoryFrame } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"

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

/** Flips a bit in each frame of this kind of a pack. @param frames all frames of the pack, in order */
export function damageFrames(pack: Bytes, frames: readonly DirectoryFrame[], kind: number): void {
  let offset = HEADER_BYTES
  for (const frame of frames) {
    if (frame.kind === kind) pack[offset] = (pack[offset] ?? 0) ^ 1
    offset += frame.sealedLength
  }
}
