/** Small damage to bytes and to packs, for tests that damaged bytes are refused. */
import * as assert from "node:assert/strict"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import { packName } from "../format/names.ts"
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

export interface DamagedPack {
  readonly objects: ReadonlyMap<ObjectName, Bytes>
  readonly index: Pick<ChunkIndex, "framesOfPack">
  readonly pack: Digest
}

/** Flips a bit in each frame of this kind. */
export function damageFrames({ objects, index, pack }: DamagedPack, kind: number): void {
  const bytes = objects.get(packName(pack)) ?? assert.fail()
  let offset = HEADER_BYTES
  for (const frame of index.framesOfPack(pack)) {
    if (frame.kind === kind) bytes[offset] = (bytes[offset] ?? 0) ^ 1
    offset += frame.sealedLength
  }
}
