/**
 * Reads single chunks by ID on the calling thread: listing nodes, chunk lists, dumped files. Chunks of
 * one frame cost one request; opened blocks are cached, since the next node is usually in the same
 * block. Restores of whole files use restore/place instead.
 */
import { equalBytes, release, type Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { ChunkId, ObjectName } from "../base/ids.ts"
import { createZstd, type Zstd } from "../chunks/zstd.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher, type ChunkKind } from "../crypto/chunk-id.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { packName } from "../format/names.ts"
import type { ChunkIndex, ChunkLocation, FrameLocation } from "../chunk-index/chunk-index.ts"
import type { Store } from "../store/store.ts"
import { openFrame, packSealer } from "./open-pack.ts"

export interface ChunkReader {
  /**
   * Returns the chunks in the order of `ids`, each verified by its ID, as views of shared blocks that
   * must not be written to.
   * @throws EngineError corrupt, naming the pack; "chunk-missing" when no known pack holds a chunk
   */
  read(kind: ChunkKind, ids: readonly ChunkId[]): Promise<Bytes[]>
}

export interface ChunkReaderPorts {
  readonly store: Store
  readonly index: ChunkIndex
  readonly session: { readonly keys: RepositoryKeys }
}

/** Room for eight large blocks, or for the many small ones of a long history. */
const KEPT_BYTES_MAX = 16 * 1024 ** 2
const REQUESTS_AT_ONCE = 8

export function createChunkReader({ store, index, session: { keys } }: ChunkReaderPorts): ChunkReader {
  const blocks = new Map<string, { readonly opening: Promise<Bytes>; readonly bytes: number }>()
  let keptBytes = 0
  const hashers = new Map<ChunkKind, ChunkHasher>()
  let zstd: Zstd | undefined

  const fetchBlock = async ({ pack, frame }: ChunkLocation): Promise<Bytes> => {
    const object = packName(pack.name)
    const sealed = await getSealed(store, object, frame)
    zstd ??= createZstd()
    const raw = openFrame(packSealer(keys, pack, object), frame, sealed, { zstd, object })
    release(sealed)
    return raw
  }
  const forget = (key: string): void => {
    keptBytes -= blocks.get(key)?.bytes ?? 0
    blocks.delete(key)
  }
  const block = (location: ChunkLocation): Promise<Bytes> => {
    const key = `${location.pack.name}:${location.frame.number}`
    const known = blocks.get(key)
    forget(key)
    const opening = known?.opening ?? fetchBlock(location)
    const bytes = location.frame.rawLength
    blocks.set(key, { opening, bytes }) // the newest are last
    keptBytes += bytes
    if (known === undefined) opening.catch(() => forget(key))
    for (const oldest of blocks.keys()) {
      if (keptBytes <= KEPT_BYTES_MAX || oldest === key) break
      forget(oldest)
    }
    return opening
  }
  const hasher = (kind: ChunkKind): ChunkHasher => {
    const known = hashers.get(kind) ?? chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, kind))
    hashers.set(kind, known)
    return known
  }

  return {
    async read(kind, ids) {
      const results: Bytes[] = []
      await forEachBounded(ids.entries(), REQUESTS_AT_ONCE, async ([position, id]) => {
        const location = index.locate(id)
        if (location === undefined) throw missing(kind)
        const raw = await block(location)
        const bytes = raw.subarray(location.offset, location.offset + location.length)
        if (!equalBytes(hasher(kind).id(bytes), id)) {
          throw corrupt("chunk-id", packName(location.pack.name), "a chunk does not match its ID")
        }
        results[position] = bytes
      })
      return results
    },
  }
}

/** Reports a missing pack as damage, like a pack with wrong bytes. */
async function getSealed(store: Store, object: ObjectName, frame: FrameLocation): Promise<Bytes> {
  try {
    return await store.get(object, { offset: frame.offset, length: frame.sealedLength })
  } catch (error) {
    if (!isEngineError(error, "object-not-found")) throw error
    throw corrupt("object-missing", object, "missing from the store")
  }
}

function missing(kind: ChunkKind): EngineError {
  const what = {
    data: "file content",
    listing: "part of a listing",
    "chunk-list": "part of a file's chunk list",
  }
  return new EngineError(
    "corrupt",
    "chunk-missing",
    `${what[kind]} is in no pack known to this repository. Run \`holdfast check\``,
  )
}
