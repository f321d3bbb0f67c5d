/**
 * The repository as one run writes to it: what is stored already, where new packs and listing nodes
 * go, and the partial entries that protect a long run's packs (rule W7). A dry run has the same
 * shape and writes nothing.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId } from "../base/ids.ts"
import { EngineError } from "../base/errors.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import { chunkHasher, chunkIdKey } from "../crypto/chunk-id.ts"
import { giveBackFreedMemory } from "../system/native.ts"
import { FRAME_LISTING } from "../format/sealed-header.ts"
import type { SharedIndex } from "../chunk-index/chunk-index.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import { publish } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import { openClaims, shareClaims, type SharedClaims } from "./split/claims.ts"
import { coverPacks } from "./cover.ts"
import type { SealedPack } from "../packs/seal-pack.ts"
import type { MadeChunk, SplitterKeys } from "./split/split-messages.ts"
import { createUploader } from "./uploader.ts"

export interface RunStore {
  readonly splitterKeys: SplitterKeys
  readonly claims: SharedClaims
  readonly isStored: (id: ChunkId) => boolean
  /** For the look-ups of other threads; undefined when the repository was empty: what nobody has claimed is not stored. */
  readonly shareIndex: () => SharedIndex | undefined
  readonly putPack: (pack: SealedPack) => Promise<void>
  readonly identifyNode: (node: Bytes) => ChunkId
  /** Keeps a listing node for the next run, and tells whether it must be stored. */
  readonly keepNode: (id: ChunkId, node: Bytes) => MadeChunk | undefined
  /** A node of the base's listing; throws "node-uncached" when the cache has lost it. */
  readonly cachedNode: (id: ChunkId) => Bytes
  /** Listing nodes of any snapshot, from this run, the cache or the store. */
  readonly readNodes: (ids: readonly ChunkId[]) => Promise<Bytes[]>
  /** All nodes are in the cache, and no partial entry is being written. */
  readonly settled: () => Promise<void>
  readonly packedBytes: () => number
}

/** Nodes that wait for one transaction of the cache. */
const NODES_BYTES = 1024 * 1024
const PARTIAL_BYTES = 1024 ** 3
const PARTIAL_NS = 600n * 1_000_000_000n
/** What is freed lies scattered: it goes back to the system, in a millisecond, each time that so much was stored. */
const GIVE_BACK_BYTES = 256 * 1024 ** 2

export function createRunStore(repository: Repository, run: { series: string; dryRun: boolean }): RunStore {
  const { index, clock, journal } = repository
  const { keys } = repository.session
  const nodes = repository.nodeCache(run.series)
  const wasEmpty = index.isEmpty()
  const isStored = (id: ChunkId): boolean => !wasEmpty && index.has(id)
  const claims = shareClaims()
  const mine = openClaims(claims)
  const identify = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "listing"))
  /** Nodes of this run that are not in the cache yet; all of them, for a dry run. */
  let made = new Map<string, readonly [ChunkId, Bytes]>()
  let madeBytes = 0
  const reader = createChunkReader(repository)
  const uploader = createUploader({
    store: repository.store,
    index,
    journal,
    atomically: (work) => repository.atomically(work),
    series: run.series,
    onStored: stored,
  })
  let dryBytes = 0
  let unprotected = 0
  let sinceGivenBack = 0
  let protectedNs = clock.now()
  let partial: Promise<void> = Promise.resolve()

  function stored(bytes: number): void {
    sinceGivenBack += bytes
    if (sinceGivenBack >= GIVE_BACK_BYTES) {
      sinceGivenBack = 0
      giveBackFreedMemory()
    }
    unprotected += bytes
    if (unprotected < PARTIAL_BYTES && clock.now() - protectedNs < PARTIAL_NS) return
    unprotected = 0
    protectedNs = clock.now()
    partial = partial.then(() => protectPacks(repository, run.series))
    partial.catch(() => {}) // `settled` reports it
  }
  function flushNodes(): void {
    if (run.dryRun || made.size === 0) return
    nodes.put(made.values())
    made = new Map()
    madeBytes = 0
  }
  return {
    splitterKeys: {
      repository: keys.repository,
      sealing: sealingKeyOfEpoch(keys, keys.epoch, "a new pack"),
      chunkKey: keys.chunkKey,
      chunkerKey: keys.chunkerKey,
    },
    claims,
    isStored,
    shareIndex: () => (wasEmpty ? undefined : index.share()),
    async putPack(pack) {
      if (run.dryRun) dryBytes += pack.bytes.length
      else await uploader.put(pack)
    },
    identifyNode: (node) => identify.id(node),
    keepNode(id, node) {
      made.set(key(id), [id, node])
      madeBytes += node.length
      if (madeBytes > NODES_BYTES) flushNodes()
      return mine.claim(id) && !isStored(id) ? { kind: FRAME_LISTING, id, bytes: node } : undefined
    },
    cachedNode(id) {
      const node = nodes.get(id)
      if (node === undefined)
        throw new EngineError("not-found", "node-uncached", "the cache lost a listing node")
      return node
    },
    readNodes: async (ids) => {
      const known = ids.map((id) => made.get(key(id))?.[1] ?? nodes.get(id))
      const missing = ids.filter((_, i) => known[i] === undefined)
      const fetched = missing.length === 0 ? [] : await reader.read("listing", missing)
      return known.map((node) => (node ?? fetched.shift()) as Bytes)
    },
    async settled() {
      flushNodes()
      await partial
    },
    packedBytes: () => dryBytes + uploader.packedBytes,
  }
}

function key(id: ChunkId): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1")
}

/** Names the packs that are durable so far, for collectors and for a run that goes on from here. */
async function protectPacks(repository: Repository, series: string): Promise<void> {
  const pending = repository.journal.pending()
  const coverage = await coverPacks(pending, repository)
  await publish(repository, {
    type: "partial",
    timeNs: repository.clock.now(),
    series,
    ...coverage,
  })
  repository.journal.settle(pending.map((pack) => pack.record.name))
}
