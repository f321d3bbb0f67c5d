/**
 * Listing nodes of a run and of earlier runs. A run keeps each node that it makes in this device's node
 * cache, reads the previous listing from there, and removes nodes that no base needs from time to time.
 * A lost node costs time only: the run reads every file again. Listings are built by assemble.ts.
 */
import { type Bytes, toHex } from "../base/bytes.ts"
import { EngineError } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type { FileClass } from "../chunks/classes.ts"
import { chunkHasher, chunkIdKey } from "../crypto/chunk-id.ts"
import { FRAME_LISTING } from "../format/sealed-header.ts"
import type { FileCacheBase } from "../home/file-cache.ts"
import type { NodeCache } from "../home/node-cache.ts"
import { type ListingRoot, type NodeRef, openNode, type OpenedNode, rootRef } from "../listing/node-ref.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import type { Repository } from "../session/repository.ts"
import type { MadeChunk } from "./split/split-messages.ts"

export interface RunNodes {
  readonly identify: (node: Bytes) => ChunkId
  /** Keeps a node for the next run. Returns it as a chunk if it must be stored. */
  readonly keep: (id: ChunkId, node: Bytes) => MadeChunk | undefined
  /** Returns a node of the base's listing. Throws not-found "node-uncached" if the cache lost it. */
  readonly cached: (id: ChunkId) => Bytes
  /** Reads nodes of any snapshot: from this run, the cache or the store. */
  readonly read: (ids: readonly ChunkId[]) => Promise<Bytes[]>
  /** Writes all kept nodes to the cache. */
  readonly flush: () => void
}

export interface NodePorts {
  readonly series: string
  /** A dry run writes no node to the cache. */
  readonly isDry: boolean
  /** Claims an ID for this run; true if the chunk must be stored. */
  readonly isNew: (id: ChunkId) => boolean
}

/** Nodes are written to the cache in transactions of this many bytes. */
const FLUSH_BYTES = 1024 * 1024

export function createRunNodes(repository: Repository, { series, isDry, isNew }: NodePorts): RunNodes {
  const cache = repository.nodeCache(series)
  const { keys } = repository.session
  const hasher = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "listing"))
  const reader = createChunkReader(repository)
  /** Nodes of this run that are not in the cache yet; in a dry run, all of its nodes. */
  let made = new Map<string, readonly [ChunkId, Bytes]>()
  let madeBytes = 0
  const flush = (): void => {
    if (isDry || made.size === 0) return
    cache.put(made.values())
    made = new Map()
    madeBytes = 0
  }
  return {
    identify: (node) => hasher.id(node),
    keep(id, node) {
      made.set(toHex(id), [id, node])
      madeBytes += node.length
      if (madeBytes > FLUSH_BYTES) flush()
      return isNew(id) ? { kind: FRAME_LISTING, id, bytes: node } : undefined
    },
    cached(id) {
      const node = cache.get(id)
      if (node === undefined)
        throw new EngineError("not-found", "node-uncached", "the cache lost a listing node")
      return node
    },
    async read(ids) {
      const known = ids.map((id) => made.get(toHex(id))?.[1] ?? cache.get(id))
      const missing = ids.filter((_, i) => known[i] === undefined)
      const fetched = missing.length === 0 ? [] : await reader.read("listing", missing)
      return known.map((node) => (node ?? fetched.shift()) as Bytes)
    },
    flush,
  }
}

/**
 * Returns the file class that a path had in the last snapshot. A class changes only when the size passes
 * twice or half a bound, so only files near a bound are looked up, in cached nodes.
 */
export function previousClasses(
  nodes: NodeCache,
  base: FileCacheBase | undefined,
): (path: RawPath) => FileClass | undefined {
  if (base === undefined) return () => undefined
  const root = rootRef({ id: base.root, level: base.level })
  /** The last opened node of each level: paths come in order, so the next look-up usually needs it again. */
  const opened: { ref: NodeRef; node: OpenedNode }[] = []
  const open = (ref: NodeRef): OpenedNode | undefined => {
    const last = opened[ref.level]
    if (last?.ref === ref) return last.node
    const bytes = nodes.get(ref.id)
    if (bytes === undefined) return undefined
    const node = openNode(ref, bytes)
    opened[ref.level] = { ref, node }
    return node
  }
  return (path) => {
    let ref: NodeRef | undefined = root
    while (ref !== undefined) {
      const node = open(ref)
      if (node === undefined) return undefined
      const { refs, entries }: OpenedNode = node
      if (entries !== undefined)
        return entries.find((entry) => entry.path === path)?.content?.fileClass as FileClass | undefined
      ref = refs.findLast(({ first }) => first === undefined || comparePaths(first, path) <= 0)
    }
    return undefined
  }
}

/** Trimming visits every ID of the listing's tree, so it runs once in this many commits. */
const COMMITS_BETWEEN = 64

export function isTimeToTrim(sequence: number): boolean {
  return sequence % COMMITS_BETWEEN === 0
}

/** Keeps the nodes of these listings and opens only inner nodes. Returns the number of nodes removed. */
export function trimNodes(nodes: NodeCache, roots: readonly ListingRoot[]): number {
  const kept = new Map<string, ChunkId>()
  const row: NodeRef[] = roots.map(rootRef)
  for (let ref = row.pop(); ref !== undefined; ref = row.pop()) {
    const key = toHex(ref.id)
    if (kept.has(key)) continue
    kept.set(key, ref.id)
    const bytes = ref.level === 0 ? undefined : nodes.get(ref.id)
    if (bytes !== undefined) row.push(...(openNode(ref, bytes).refs ?? []))
  }
  return nodes.keepOnly(kept.values())
}
