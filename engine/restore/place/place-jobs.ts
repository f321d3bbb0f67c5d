/** What the main thread asks of the threads that open blocks and write files: plain data. */
import type { Bytes } from "../../base/bytes.ts"
import type { RawPath } from "../../base/ids.ts"
import type { RepositoryKeys } from "../../crypto/derive.ts"
import type { LeftOut, Metadata, NewFile, TargetOptions } from "../../target/target.ts"
import type { FrameLocation, PackLocation } from "../../chunk-index/chunk-index.ts"
import type { PackedFiles } from "./packed-files.ts"

/** One file of a job. */
export interface PlaceFile {
  readonly path: RawPath
  readonly size: number
  readonly sparse: boolean
  readonly metadata: Metadata
  readonly replace: boolean
  readonly sync: boolean
  /** How many of its pieces are in this job; with none, and no `begun`, the file is empty. */
  readonly pieces: number
  /** Set when other jobs write to the file as well: the main thread has begun it and will finish it. */
  readonly begun: NewFile | null
}

/**
 * Where the chunks of one frame go. Four numbers a piece: file, offset in the file, offset in the block, length.
 * What was fetched for a job lies in one buffer.
 */
export interface PlaceFrame {
  readonly frame: FrameLocation
  /** Undefined in a job whose pack the thread reads by itself. */
  readonly sealed: Bytes | undefined
  readonly pieces: Float64Array<ArrayBuffer>
  /** 32 bytes a piece. */
  readonly ids: Bytes
}

export interface PlaceJob {
  readonly pack: PackLocation
  /** Where the pack lies, for the thread to read; undefined: each frame comes with its bytes. */
  readonly packFile: string | undefined
  readonly frames: readonly PlaceFrame[]
  readonly files: readonly PlaceFile[]
}

/** What travels to the thread without a copy and is given back there: left to the collector, it piles up on both sides. */
export function jobBuffers(job: Pick<PlaceJob, "frames">): Set<ArrayBuffer> {
  return new Set(
    job.frames.flatMap(({ sealed, pieces, ids }) => {
      const own = [pieces.buffer, ids.buffer]
      return sealed === undefined ? own : [sealed.buffer, ...own]
    }),
  )
}

/** "unread" when the pack could not be read, and nothing was done. */
export type Placed = PlacedFiles | "unread"

interface PlacedFiles {
  readonly failures: readonly PlaceFailure[]
  /** Of files that were placed, by number in the job's table. */
  readonly leftOut: readonly { readonly file: number; readonly what: readonly LeftOut[] }[]
}

export interface PlaceFailure {
  /** In the job's table. */
  readonly file: number
  readonly message: string
  readonly kind: "corrupt" | "target"
  readonly object: string | undefined
}

/** A file that stands in the target, to be compared with the chunks that it should have. */
export interface CompareFile {
  readonly path: RawPath
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
}

/** Chunks of the file that stands under `begun.path`, to be taken over into the new one. */
export interface OwnJob {
  readonly begun: NewFile
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
  /** 1 for a chunk that is to be taken over. */
  readonly wanted: Uint8Array
}

export interface PlacerOptions {
  readonly keys: RepositoryKeys
  readonly root: string
  readonly target: TargetOptions
}

export type ToPlaceWorker =
  | { readonly type: "place"; readonly job: Omit<PlaceJob, "files">; readonly files: PackedFiles }
  | { readonly type: "compare"; readonly files: readonly CompareFile[] }
  | { readonly type: "own"; readonly job: OwnJob }
  | { readonly type: "close" }

export type FromPlaceWorker =
  | { readonly type: "placed"; readonly placed: Placed }
  /** A byte a chunk: 1 when it stands where it should; null when there is no file to read. */
  | { readonly type: "compared"; readonly equal: readonly (Uint8Array | null)[] }
  | { readonly type: "owned"; readonly failure: Omit<PlaceFailure, "file"> | undefined }
