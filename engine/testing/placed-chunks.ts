/**
 * Computes the places of a pack's chunks from its directory: frames follow each other after the
 * header. Pure.
 */
import { CHUNK_ID_BYTES, type ChunkId, type Digest } from "../base/ids.ts"
import type { ChunkIndex, PlacedChunk } from "../chunk-index/chunk-index.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"

/** All chunks of a pack share one `pack` object, all chunks of a frame one `frame` object. */
export function* placedChunks(record: PackRecord, frames: readonly DirectoryFrame[]): Generator<PlacedChunk> {
  const { name, sizeBytes, epoch, salt } = record
  const pack = { name, sizeBytes, epoch, salt }
  let frameOffset = HEADER_BYTES
  for (const [number, { kind, codec, sealedLength, rawLength, ids, lengths }] of frames.entries()) {
    const frame = { number, kind, codec, offset: frameOffset, sealedLength, rawLength }
    let offset = 0
    for (const [i, length] of lengths.entries()) {
      const id = ids.subarray(i * CHUNK_ID_BYTES, (i + 1) * CHUNK_ID_BYTES) as ChunkId
      yield { id, location: { pack, frame, offset, length } }
      offset += length
    }
    frameOffset += sealedLength
  }
}

/** Every chunk of a pack with its place in this pack, in any state; empty for an unknown pack. */
export function chunksOfPack(index: ChunkIndex, name: Digest): Iterable<PlacedChunk> {
  const record = index.pack(name)
  return record === undefined ? [] : placedChunks(record, index.framesOfPack(name))
}
