/** The places that a pack's directory implies: frames follow each other from the header on. Pure. */
import { CHUNK_ID_BYTES, type ChunkId } from "../base/ids.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"
import type { PlacedChunk } from "./chunk-index.ts"

/** All chunks of one pack share its `pack` object, all of one frame its `frame` object. */
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
