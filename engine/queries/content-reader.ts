/**
 * The content of files in order, for `dump`: chunks are asked for many at once, so that blocks are
 * fetched side by side, and every one is identified before it is handed on.
 */
import { corrupt } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkChunkList } from "../listing/chunk-list.ts"
import type { Repository } from "../session/repository.ts"
import type { NodeReader } from "./node-reader.ts"

/** Asked for at once: eight blocks or so. */
const BATCH_BYTES = 8 * 1024 * 1024
const BATCH_CHUNKS = 4096

/** The bytes of a file in pieces; exactly `entry.size` of them, or `corrupt` is thrown. */
export async function* contentOf(
  repository: Repository,
  nodes: NodeReader,
  entry: Entry,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const batch of batchesOf(repository, idsOf(nodes, entry))) {
    for (const chunk of await nodes.reader.read("data", batch)) {
      bytes += chunk.length
      if (bytes > entry.size) break
      yield chunk
    }
  }
  if (bytes !== entry.size) {
    throw corrupt(
      "file-size",
      showPath(entry.path),
      `its chunks do not add up to the ${entry.size} bytes recorded in the snapshot`,
    )
  }
}

async function* idsOf(nodes: NodeReader, { content }: Entry): AsyncGenerator<Uint8Array> {
  if (content === null) return
  if (content.chunks !== undefined) yield content.chunks
  else for await (const run of walkChunkList(content.list, nodes.chunkLists)) yield run.ids
}

async function* batchesOf({ index }: Repository, runs: AsyncIterable<Uint8Array>): AsyncGenerator<ChunkId[]> {
  let batch: ChunkId[] = []
  let bytes = 0
  for await (const ids of runs) {
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      const id = ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId
      batch.push(id)
      bytes += index.locate(id)?.length ?? 0
      if (bytes < BATCH_BYTES && batch.length < BATCH_CHUNKS) continue
      yield batch
      batch = []
      bytes = 0
    }
  }
  if (batch.length > 0) yield batch
}
