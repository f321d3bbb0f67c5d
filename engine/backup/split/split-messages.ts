/**
 * What the main thread and the threads that split say to each other: batches of files, tables, blocks of
 * long files and whole packs, never single chunks.
 */
import type { SharedIndex } from "../../chunk-index/chunk-index.ts"
import type { ClosedBlock, FullBlock } from "../../packs/block.ts"
import type { SharedClaims } from "./claims.ts"
import type { PackRooms, SealedPack } from "../../packs/seal-pack.ts"
import type { PackedJobs, PackedResults } from "./split-columns.ts"
import type { MadeChunk, SplitterKeys } from "./splitter.ts"

/** What a worker thread is given. */
export interface SplitWorkerData {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly index: SharedIndex | undefined
  readonly rooms: PackRooms
  /** One 64-bit number of bytes. */
  readonly underWay: SharedArrayBuffer
  /** One 32-bit number: so many blocks may be handed over, about. Those who hand one over count down. */
  readonly help: SharedArrayBuffer
}

export type ToSplitWorker =
  | { readonly type: "split"; readonly jobs: PackedJobs }
  | { readonly type: "add"; readonly chunks: readonly MadeChunk[] }
  | { readonly type: "close"; readonly block: FullBlock }
  | { readonly type: "drain" }
  | { readonly type: "seal"; readonly blocks: readonly ClosedBlock[]; readonly full: boolean }

export type FromSplitWorker =
  | { readonly type: "results"; readonly results: PackedResults }
  /** A block of a long file, for a thread that has nothing to do. */
  | { readonly type: "full"; readonly block: FullBlock }
  | { readonly type: "closed" }
  | { readonly type: "drained"; readonly blocks: readonly ClosedBlock[]; readonly rawBytes: number }
  | { readonly type: "sealed" }
  /** Its bytes lie in this room, which is given back when they are in the store. */
  | { readonly type: "pack"; readonly pack: SealedPack; readonly room: number }
