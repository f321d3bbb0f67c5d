/**
 * Reads listing nodes for queries: from memory, from this device's cache of the series' newest
 * listing, or from the store. Nodes shared by many snapshots are fetched once. spec/listing.md.
 */
import { toHex, type Bytes } from "../base/bytes.ts"
import type { ChunkId } from "../base/ids.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { createChunkReader, type ChunkReader } from "../packs/chunk-reader.ts"
import type { Repository } from "../session/repository.ts"

export interface NodeReader {
  readonly reader: ChunkReader
  /** Loads the listing nodes of a snapshot in this series. */
  listing(series: string): LoadNodes
  readonly chunkLists: LoadNodes
}

/** Bytes of nodes in memory: more than one look-up needs in a listing of millions of entries. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024

export function openNodeReader(repository: Repository): NodeReader {
  const reader = createChunkReader(repository)
  const kept = new Map<string, Bytes>()
  let keptBytes = 0

  const keep = (id: ChunkId, bytes: Bytes): void => {
    if (keptBytes + bytes.length > KEPT_BYTES_MAX) {
      kept.clear()
      keptBytes = 0
    }
    kept.set(toHex(id), bytes.slice()) // a view would keep its whole block in memory
    keptBytes += bytes.length
  }
  return {
    reader,
    chunkLists: async (ids) => await reader.read("chunk-list", ids),
    listing(series) {
      const cache = repository.nodeCache(series)
      const atHand = (id: ChunkId): Bytes | undefined => {
        return kept.get(toHex(id)) ?? cache.get(id)
      }
      return async (ids) => {
        const nodes = ids.map(atHand)
        const missing = ids.filter((_, i) => nodes[i] === undefined)
        const fetched = missing.length === 0 ? [] : await reader.read("listing", missing)
        missing.forEach((id, i) => keep(id, fetched[i] as Bytes))
        let next = 0
        return nodes.map((node) => node ?? (fetched[next++] as Bytes)) // in the order they were missing
      }
    },
  }
}
