/** Pack records and directories derived from words, and the places of their chunks, for tests of the index. */
import { createHash } from "node:crypto"
import { CHUNK_ID_BYTES, type ChunkId, type Digest } from "../base/ids.ts"
import type { ChunkIndex, ChunkLocation } from "../chunk-index/chunk-index.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"

export interface ExamplePack {
  readonly record: PackRecord
  readonly frames: DirectoryFrame[]
}

/** Returns the id of the chunk with this name in a test. */
export function exampleId(name: string): ChunkId {
  return new Uint8Array(createHash("sha256").update(name).digest()) as ChunkId
}

/** Returns a pack with the named chunks, one frame per inner list. Chunk i of a frame has 1000 + i bytes. */
export function examplePack(label: string, chunks: readonly (readonly (string | ChunkId)[])[]): ExamplePack {
  const frames = chunks.map((names, number): DirectoryFrame => {
    const ids = names.map((name) => (typeof name === "string" ? exampleId(name) : name))
    const lengths = Uint32Array.from(ids, (_, i) => 1000 + i)
    const rawLength = lengths.reduce((sum, length) => sum + length, 0)
    return {
      kind: 1,
      codec: 1,
      sealedLength: 500 + number,
      rawLength,
      ids: new Uint8Array(Buffer.concat(ids)),
      lengths,
    }
  })
  const salt = new Uint8Array(createHash("sha256").update(`salt ${label}`).digest().subarray(0, 24))
  const place = {
    directoryOffset: 9000,
    directorySealedLength: 300,
    directoryRawLength: 400,
    directoryCodec: 1,
  }
  return { record: { name: exampleName(label), sizeBytes: 12_345, epoch: 3, salt, ...place }, frames }
}

export function exampleName(label: string): Digest {
  return createHash("sha256").update(`pack ${label}`).digest("hex") as Digest
}

export interface PlacedChunk {
  readonly id: ChunkId
  readonly location: ChunkLocation
}

/**
 * Computes the places of a pack's chunks from its directory. All chunks of a pack share one `pack` object, all
 * chunks of a frame one `frame` object.
 */
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
