/**
 * What the main thread and the splitting threads send each other: batches of files and their results,
 * blocks of long files, whole packs; never single chunks. Everything here is plain data. Jobs and results
 * travel as columns, since cloning a small object costs more than reading the small file it describes.
 */
import { type Bytes, concatBytes } from "../../base/bytes.ts"
import type { RepositoryId } from "../../base/ids.ts"
import type { SharedIndex } from "../../chunk-index/chunk-index.ts"
import type { FileClass } from "../../chunks/classes.ts"
import type { SealingKey } from "../../crypto/derive.ts"
import type { ClosedBlock, FullBlock } from "../../packs/block.ts"
import type { PackRooms, SealedPack } from "../../packs/seal-pack.ts"
import { type ExtendedAttribute, type Failure, isFailure } from "../../system/stat.ts"
import type { SharedClaims } from "./claims.ts"

/** A file to split, as the walk saw it. */
export interface SplitJob {
  /** The descriptor of an open folder; -1 if `path` is absolute. */
  readonly anchor: number
  /** A raw path relative to the anchor. */
  readonly path: string
  readonly size: number
  readonly inode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly previousClass: FileClass | -1
  /** Only appended to: what it has when it is opened is read, and growing meanwhile is no change. */
  readonly appended: boolean
}

export type SplitResult =
  SplitRead | { readonly outcome: "failed"; readonly code: string; readonly message: string }

export interface SplitRead {
  /**
   * "torn": the file changed during each of three reads; the last read is kept and marked. "appended": it grew
   * meanwhile; what it had when it was opened was read.
   */
  readonly outcome: "read" | "torn" | "appended"
  readonly bytes: number
  readonly fileClass: FileClass
  /** All chunk IDs in order; null when `list` is set. */
  readonly chunks: Bytes | null
  /** The root of a chunk list; null when `chunks` is set. */
  readonly list: Bytes | null
  /** The file's state when it was read, if it differs from what the walk saw. */
  readonly stat: FreshStat | null
  /** Read from the open file, which costs less than by path. */
  readonly xattrs: readonly ExtendedAttribute[] | Failure
}

export interface FreshStat {
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly inode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** A chunk made on the main thread (a listing node), with its ID. */
export interface MadeChunk {
  readonly kind: number
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

export interface SplitterKeys {
  readonly repository: RepositoryId
  readonly sealing: SealingKey
  readonly chunkKey: Uint8Array
  readonly chunkerKey: Uint8Array
}

export interface SplitWorkerData {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly index: SharedIndex | undefined
  readonly rooms: PackRooms
  /** Bytes read of unfinished long files, as one 64-bit number. */
  readonly underWay: SharedArrayBuffer
  /** About how many blocks idle threads can take, as one 32-bit number; a thread that hands one over counts down. */
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
  /** A block of a long file, for an idle thread to close. */
  | { readonly type: "full"; readonly block: FullBlock }
  | { readonly type: "closed" }
  | { readonly type: "drained"; readonly blocks: readonly ClosedBlock[]; readonly rawBytes: number }
  | { readonly type: "sealed" }
  /** The pack's bytes are in this room, which is free again after the upload. */
  | { readonly type: "pack"; readonly pack: SealedPack; readonly room: number }

export interface PackedJobs {
  /** Joined by NUL, which no path contains. */
  readonly paths: string
  /** Size, previous class, anchor, and 1 if it is only appended to, of each. */
  readonly numbers: Float64Array<ArrayBuffer>
  /** Inode, mtime and ctime of each. */
  readonly stamps: BigInt64Array<ArrayBuffer>
}

export function packJobs(jobs: readonly SplitJob[]): PackedJobs {
  const numbers = new Float64Array(jobs.length * 4)
  const stamps = new BigInt64Array(jobs.length * 3)
  jobs.forEach((job, i) => {
    numbers[i * 4] = job.size
    numbers[i * 4 + 1] = job.previousClass
    numbers[i * 4 + 2] = job.anchor
    numbers[i * 4 + 3] = Number(job.appended)
    stamps[i * 3] = job.inode
    stamps[i * 3 + 1] = job.mtimeNs
    stamps[i * 3 + 2] = job.ctimeNs
  })
  return { paths: jobs.map((job) => job.path).join("\0"), numbers, stamps }
}

export function unpackJobs({ paths, numbers, stamps }: PackedJobs): SplitJob[] {
  return paths.split("\0").map((path, i) => ({
    path,
    size: numbers[i * 4] as number, // the columns have the length that `packJobs` gave them
    anchor: numbers[i * 4 + 2] as number,
    previousClass: numbers[i * 4 + 1] as FileClass | -1,
    appended: numbers[i * 4 + 3] === 1,
    inode: BigInt.asUintN(64, stamps[i * 3] as bigint),
    mtimeNs: stamps[i * 3 + 1] as bigint,
    ctimeNs: stamps[i * 3 + 2] as bigint,
  }))
}

export interface PackedResults {
  /** Bytes, file class and bytes of IDs of each result; -1 instead of the last for a chunk list. */
  readonly numbers: Float64Array<ArrayBuffer>
  readonly ids: Bytes
  /** Results that don't fit the columns, by position: failures, torn, appended or changed files, files with attributes. */
  readonly odd: ReadonlyMap<number, SplitResult>
}

const LIST = -1
const LIST_ID_BYTES = 32

export function packResults(results: readonly SplitResult[]): PackedResults {
  const numbers = new Float64Array(results.length * 3)
  const ids: Uint8Array[] = []
  const odd = new Map<number, SplitResult>()
  results.forEach((result, i) => {
    if (result.outcome !== "read" || result.stat !== null || hasAttributes(result)) {
      odd.set(i, result)
      return
    }
    numbers[i * 3] = result.bytes
    numbers[i * 3 + 1] = result.fileClass
    numbers[i * 3 + 2] = result.list === null ? (result.chunks?.length ?? 0) : LIST
    const id = result.list ?? result.chunks
    if (id !== null) ids.push(id)
  })
  return { numbers, ids: concatBytes(ids), odd }
}

function hasAttributes({ xattrs }: SplitRead): boolean {
  return isFailure(xattrs) || xattrs.length > 0
}

/** The IDs are views of one buffer. */
export function unpackResults({ numbers, ids, odd }: PackedResults): SplitResult[] {
  let offset = 0
  return Array.from({ length: numbers.length / 3 }, (_, i): SplitResult => {
    const oddOne = odd.get(i)
    if (oddOne !== undefined) return oddOne
    const idBytes = numbers[i * 3 + 2] as number
    const isList = idBytes === LIST
    const id = ids.subarray(offset, offset + (isList ? LIST_ID_BYTES : idBytes))
    offset += id.length
    const read: SplitRead = {
      outcome: "read",
      bytes: numbers[i * 3] as number,
      fileClass: numbers[i * 3 + 1] as FileClass,
      chunks: isList ? null : id,
      list: isList ? id : null,
      stat: null,
      xattrs: [],
    }
    return read
  })
}
