/**
 * Where each chunk lies: the port between dedupe, restore and maintenance on one side and a local
 * database on the other. A cache (rule L1): it is rebuilt from the store's directories at any time,
 * and nothing but time is lost with it. `sqlite-index.ts` is the real one, `memory-index.ts` the one
 * for tests; both pass `testing/index-contract.ts`. Why SQLite, and how: spec/decisions/0004.
 *
 * All methods are synchronous and never touch the store. Failures of the database file are
 * `EngineError("unavailable", "state-damaged")`: delete it, and the next run makes a new one.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, Digest } from "../base/ids.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import type { KeyRun } from "./key-runs.ts"

/** A condemned pack is on GC's list: its chunks count as absent (rule W4) until it is spared. */
export type PackState = "live" | "condemned"

/** What opening a frame of a pack by a ranged read takes: no header need be fetched. */
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

export interface PlacedChunk {
  readonly id: ChunkId
  readonly location: ChunkLocation
}

export interface IndexCounts {
  /** Live packs only, in all three; a chunk that lies in two packs counts twice. */
  readonly packs: number
  readonly frames: number
  readonly chunks: number
  readonly condemnedPacks: number
}

export interface ChunkIndex {
  /** Whether a live pack holds the chunk. All 32 bytes are compared. */
  has(id: ChunkId): boolean

  /**
   * The chunk's first live place, the one added earliest; undefined when no live pack holds it. When
   * that pack goes, the next one that holds the chunk takes its place.
   */
  locate(id: ChunkId): ChunkLocation | undefined

  /**
   * A live place of each of these chunks (32 bytes an id), in their order; undefined when one of them has none. What was
   * written together is found together, at a fraction of `locate`'s cost, in whichever of its packs.
   */
  locateAll(ids: Uint8Array): ChunkLocation[] | undefined

  /** Whether no live pack is known. */
  isEmpty(): boolean

  /** What is known now, for the look-ups of other threads; all keys are in memory from then on, 8 bytes a chunk. */
  share(): SharedIndex

  counts(): IndexCounts

  /**
   * Takes a pack's whole directory in one transaction: after a crash all of it is there, or nothing.
   * A pack that is known already changes nothing, neither its state nor its rows. The caller has
   * made the pack durable first (rule W1).
   */
  addPack(record: PackRecord, frames: readonly DirectoryFrame[]): void

  /** Forgets a pack and its chunks, whatever its state. Removing an unknown one succeeds. */
  removePack(name: Digest): void

  /** Whether the pack is known, live or condemned. */
  hasPack(name: Digest): boolean

  /** The pack's record, live or condemned. */
  pack(name: Digest): PackRecord | undefined

  packState(name: Digest): PackState | undefined

  /** Takes a pack out of `has` and `locate`, or back in. Returns false for an unknown pack. */
  setPackState(name: Digest, state: PackState): boolean

  /** All known packs in the order added; without `state`, condemned ones too. */
  packs(state?: PackState): Iterable<PackRecord>

  /** The directory as it was added, in frame order; empty for an unknown pack. Any state. */
  framesOfPack(name: Digest): DirectoryFrame[]

  /** Every id of a pack's directory in its order, duplicates included. Any state. */
  idsOfPack(name: Digest): ChunkId[]

  /** Every chunk of a pack with its place in this pack. Any state. */
  chunksOfPack(name: Digest): Iterable<PlacedChunk>
}

/** Plain data, which all threads read and none copies. */
export interface SharedIndex {
  /** Of SQLite. */
  readonly file: string
  readonly keys: readonly KeyRun[]
}

/** What a worker thread may ask: a read-only handle of its own on the same file. */
export interface ChunkLookup {
  has(id: Uint8Array): boolean
  close(): void
}
