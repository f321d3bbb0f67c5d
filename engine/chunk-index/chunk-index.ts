/**
 * The port that maps a chunk id to its place in a pack. Dedupe, restore and maintenance use it; a
 * local database implements it. The index is a cache (rule L1): it can be rebuilt from the packs'
 * directories at any time. `sqlite-index.ts` is the implementation, `memory-index.ts` the one for
 * tests; both pass `testing/index-contract.ts`. Why SQLite: spec/decisions/0004.
 *
 * All methods are synchronous and never access the store. A failure of the database file is
 * `EngineError("unavailable", "state-damaged")`; the next run replaces the file.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, Digest } from "../base/ids.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import type { KeyRun } from "./key-runs.ts"

/** The chunks of a condemned pack count as absent (rule W4) until the pack is spared. */
export type PackState = "live" | "condemned"

/** Everything a ranged read needs to open a frame without fetching the pack's header. */
export interface PackLocation {
  readonly name: Digest
  readonly sizeBytes: number
  readonly epoch: number
  readonly salt: Bytes
}

export interface FrameLocation {
  readonly number: number
  readonly kind: number
  readonly codec: number
  /** From the pack's first byte. */
  readonly offset: number
  readonly sealedLength: number
  readonly rawLength: number
}

export interface ChunkLocation {
  readonly pack: PackLocation
  readonly frame: FrameLocation
  /** In the frame's raw block. */
  readonly offset: number
  readonly length: number
}

export interface IndexCounts {
  /** Packs, frames and chunks of live packs only. A chunk in two packs counts twice. */
  readonly packs: number
  readonly frames: number
  readonly chunks: number
  readonly condemnedPacks: number
}

export interface ChunkIndex {
  /** Whether a live pack has the chunk. Compares all 32 bytes. */
  has(id: ChunkId): boolean

  /**
   * Returns the chunk's place in the live pack that was added first; undefined if no live pack has
   * it. If that pack is removed, the next one takes its place.
   */
  locate(id: ChunkId): ChunkLocation | undefined

  /**
   * Returns a live place for each chunk, in order; undefined if one of them has none. Any of a
   * chunk's packs may be chosen. Chunks that were written together cost a fraction of `locate`.
   * @param ids 32 bytes per id
   */
  locateAll(ids: Uint8Array): ChunkLocation[] | undefined

  /** Whether there is no live pack. */
  isEmpty(): boolean

  /**
   * Returns a snapshot of the index for look-ups in other threads. It keeps all keys in memory, 8
   * bytes per chunk.
   */
  share(): SharedIndex

  counts(): IndexCounts

  /**
   * Adds a pack's whole directory in one transaction. Does nothing if the pack is known, whatever
   * its state. The caller has made the pack durable first (rule W1).
   */
  addPack(record: PackRecord, frames: readonly DirectoryFrame[]): void

  /** Removes a pack and its chunks in any state. Does nothing if the pack is unknown. */
  removePack(name: Digest): void

  /** Whether the pack is known, live or condemned. */
  hasPack(name: Digest): boolean

  /** Returns the pack's record, live or condemned. */
  pack(name: Digest): PackRecord | undefined

  packState(name: Digest): PackState | undefined

  /** Makes a pack's chunks absent or present. Returns false for an unknown pack. */
  setPackState(name: Digest, state: PackState): boolean

  /** Yields known packs in the order they were added. Without `state`, includes condemned packs. */
  packs(state?: PackState): Iterable<PackRecord>

  /** Returns the directory as it was added, in frame order; empty for an unknown pack. Any state. */
  framesOfPack(name: Digest): DirectoryFrame[]

  /** Returns every id of a pack's directory in order, with duplicates. Any state. */
  idsOfPack(name: Digest): ChunkId[]
}

/** Plain data that threads share without a copy. */
export interface SharedIndex {
  /** The SQLite file. */
  readonly file: string
  readonly keys: readonly KeyRun[]
}

/** The look-up of a worker thread, with its own read-only handle on the same file. */
export interface ChunkLookup {
  has(id: Uint8Array): boolean
  close(): void
}
