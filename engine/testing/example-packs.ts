/** Pack records and directories derived from words, for tests of the index and the journal. */
import { createHash } from "node:crypto"
import type { ChunkId, Digest } from "../base/ids.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"

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
