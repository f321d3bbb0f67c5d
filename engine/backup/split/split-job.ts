/** A file that is to be split, and what came of it: plain data, which travels between threads. */
import type { Bytes } from "../../base/bytes.ts"
import type { FileClass } from "../../chunks/classes.ts"
import type { ExtendedAttribute, Failure } from "../../system/stat.ts"

/** What a file was when the walk saw it. */
export interface SplitJob {
  /** The descriptor of an open folder; -1 if `path` is absolute. */
  readonly anchor: number
  /** Below the anchor, raw. */
  readonly path: string
  readonly size: number
  readonly inode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly previousClass: FileClass | -1
}

export type SplitResult =
  SplitRead | { readonly outcome: "failed"; readonly code: string; readonly message: string }

export interface SplitRead {
  /** "torn": the file changed during each of three reads; what was read last is kept and marked. */
  readonly outcome: "read" | "torn"
  readonly bytes: number
  readonly fileClass: FileClass
  /** All ids, one after the other, or the root of a chunk list. */
  readonly chunks: Bytes | null
  readonly list: Bytes | null
  /** Set when the file was not what the walk saw: what it was when it was read. */
  readonly stat: FreshStat | null
  /** Read from the open file, which costs less than by its path. */
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
