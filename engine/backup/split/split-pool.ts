/**
 * Who does the work per chunk: worker threads (`thread-pool.ts`), or this thread for small runs and for
 * simulation (`inline-pool.ts`). A port, so that both run the same `splitter.ts`.
 */
import type { ChunkId } from "../../base/ids.ts"
import type { Random } from "../../base/ports.ts"
import type { SharedIndex } from "../../chunk-index/chunk-index.ts"
import type { SharedClaims } from "./claims.ts"
import type { SealedPack } from "../../packs/seal-pack.ts"
import type { MadeChunk, SplitJob, SplitResult, SplitterKeys } from "./split-messages.ts"

export interface SplitPool {
  /** Results come in the order of the jobs. */
  split(jobs: readonly SplitJob[]): Promise<readonly SplitResult[]>
  /** Resolves when another batch would start soon: the back-pressure of the walk. */
  room(): Promise<void>
  /** Read of files whose results are not there yet, in bytes; of short files nothing is told. */
  bytesUnderWay(): number
  /** Stores chunks made on the main thread; the caller has claimed them. */
  add(chunks: readonly MadeChunk[]): void
  /** Seals what is left; resolves when `onPack` has resolved for every pack. The last call but `close`. */
  finish(): Promise<{ rawBytes: number }>
  /** Stops the threads, whatever they do. */
  close(): Promise<void>
}

export interface PoolPorts {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly random: Random
  readonly isStored: (id: ChunkId) => boolean
  /** Where worker threads look ids up; undefined when the repository was empty. */
  readonly shareIndex: () => SharedIndex | undefined
  /** Makes a pack durable and records it; rejects when it can't. */
  readonly onPack: (pack: SealedPack) => Promise<void>
  /** Packs that are being sealed or wait for the store, beyond those being filled: the memory they may take. */
  readonly uploadsAtOnce: number
}
