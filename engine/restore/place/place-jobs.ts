/**
 * What the main thread asks of the threads that open blocks and write files, and what they answer: plain
 * data. The files of a job travel in columns. A copy of an object for each file costs five times as much
 * as its share of a few arrays.
 */
import type { Bytes } from "../../base/bytes.ts"
import { isEngineError } from "../../base/errors.ts"
import type { RawPath } from "../../base/ids.ts"
import type { RepositoryKeys } from "../../crypto/derive.ts"
import type { LeftOut, Metadata, NewFile, TargetOptions } from "../../target/target.ts"
import type { FrameLocation, PackLocation } from "../../chunk-index/chunk-index.ts"
import type { ExtendedAttribute } from "../../system/stat.ts"

/** One file of a job. */
export interface PlaceFile {
  readonly path: RawPath
  readonly size: number
  readonly sparse: boolean
  readonly metadata: Metadata
  readonly replace: boolean
  readonly sync: boolean
  /** Number of its pieces in this job. A file with none and no `begun` is empty. */
  readonly pieces: number
  /** Set when other jobs write to the file too: the main thread has begun it and will finish it. */
  readonly begun: NewFile | null
}

/** Numbers per piece in `PlaceFrame.pieces`. */
export const PIECE_NUMBERS = 4

/** One frame and where its chunks go. The fetched bytes of all frames of a job are in one buffer. */
export interface PlaceFrame {
  readonly frame: FrameLocation
  /** Undefined in a job whose pack the thread reads itself. */
  readonly sealed: Bytes | undefined
  /** Per piece: file, offset in the file, offset in the block, length. */
  readonly pieces: Float64Array<ArrayBuffer>
  /** 32 bytes per piece. */
  readonly ids: Bytes
}

export interface PlaceJob {
  readonly pack: PackLocation
  /** Path of the pack, which the thread reads; undefined when each frame comes with its bytes. */
  readonly packFile: string | undefined
  readonly frames: readonly PlaceFrame[]
  readonly files: readonly PlaceFile[]
}

/** Buffers that are transferred to the thread and freed there. Left to the collector, they pile up on both sides. */
export function jobBuffers(job: Pick<PlaceJob, "frames">): Set<ArrayBuffer> {
  return new Set(
    job.frames.flatMap(({ sealed, pieces, ids }) => {
      const own = [pieces.buffer, ids.buffer]
      return sealed === undefined ? own : [sealed.buffer, ...own]
    }),
  )
}

/** "unread": the pack could not be read, and nothing was done. */
export type Placed = PlacedFiles | "unread"

interface PlacedFiles {
  readonly failures: readonly PlaceFailure[]
  /** Metadata that was not set on placed files. `file` is the number in the job's table. */
  readonly leftOut: readonly { readonly file: number; readonly what: readonly LeftOut[] }[]
}

/** Why one entry could not be restored. */
export interface Failure {
  readonly message: string
  /** `corrupt`: the repository is damaged; `target`: the target refused. */
  readonly kind: "corrupt" | "target"
  /** The damaged object of the store, if there is one. */
  readonly object: string | undefined
}

export interface PlaceFailure extends Failure {
  /** In the job's table. */
  readonly file: number
}

/** Throws what is not an `EngineError`: that is a bug. */
export function failureOf(error: unknown): Failure {
  if (!isEngineError(error)) throw error
  const object = error.detail["object"]
  return {
    message: error.message,
    kind: error.kind === "corrupt" ? "corrupt" : "target",
    object: typeof object === "string" ? object : undefined,
  }
}

/** A file of the target, to be compared with the chunks that it should have. */
export interface CompareFile {
  readonly path: RawPath
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
}

/** Chunks of the existing file at `begun.path`, to be copied into the new one. */
export interface OwnJob {
  readonly begun: NewFile
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
  /** 1 for each chunk to be copied. */
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
  /** One byte per chunk: 1 if it is in its place. Null if there is no file to read. */
  | { readonly type: "compared"; readonly equal: readonly (Uint8Array | null)[] }
  | { readonly type: "owned"; readonly failure: Failure | undefined }

export interface PackedFiles {
  /** Joined by NUL, which no path contains. */
  readonly paths: string
  /** Per file: size, pieces, mode, user and group. */
  readonly numbers: Float64Array
  readonly timesNs: BigInt64Array
  readonly flags: Uint8Array
  /** By position, since few files have any. */
  readonly xattrs: ReadonlyMap<number, readonly ExtendedAttribute[]>
  readonly begun: ReadonlyMap<number, NewFile>
}

const NUMBERS = 5
const SPARSE = 1
const REPLACE = 2
const SYNC = 4
const NO_XATTRS: readonly ExtendedAttribute[] = []

export function packFiles(files: readonly PlaceFile[]): PackedFiles {
  const numbers = new Float64Array(files.length * NUMBERS)
  const timesNs = new BigInt64Array(files.length)
  const flags = new Uint8Array(files.length)
  const xattrs = new Map<number, readonly ExtendedAttribute[]>()
  const begun = new Map<number, NewFile>()
  files.forEach(({ size, pieces, metadata, sparse, replace, sync, begun: open }, i) => {
    const { mode, uid, gid } = metadata
    const at = i * NUMBERS
    numbers[at] = size
    numbers[at + 1] = pieces
    numbers[at + 2] = mode
    numbers[at + 3] = uid
    numbers[at + 4] = gid
    timesNs[i] = metadata.mtimeNs
    flags[i] = (sparse ? SPARSE : 0) | (replace ? REPLACE : 0) | (sync ? SYNC : 0)
    if (metadata.xattrs.length > 0) xattrs.set(i, metadata.xattrs)
    if (open !== null) begun.set(i, open)
  })
  return { paths: files.map(({ path }) => path).join("\0"), numbers, timesNs, flags, xattrs, begun }
}

export function unpackFiles({ paths, numbers, timesNs, flags, xattrs, begun }: PackedFiles): PlaceFile[] {
  if (flags.length === 0) return []
  return paths.split("\0").map((path, i) => {
    const at = i * NUMBERS
    const flag = flags[i] as number
    return {
      path: path as RawPath,
      size: numbers[at] as number,
      pieces: numbers[at + 1] as number,
      metadata: {
        mode: numbers[at + 2] as number,
        uid: numbers[at + 3] as number,
        gid: numbers[at + 4] as number,
        mtimeNs: timesNs[i] as bigint,
        xattrs: xattrs.get(i) ?? NO_XATTRS,
      },
      sparse: (flag & SPARSE) !== 0,
      replace: (flag & REPLACE) !== 0,
      sync: (flag & SYNC) !== 0,
      begun: begun.get(i) ?? null,
    }
  })
}
