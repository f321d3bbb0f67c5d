/**
 * Jobs and results as they travel between threads: columns instead of objects, since cloning a
 * small object with its numbers and ids costs more than reading the small file that it is about.
 */
import { type Bytes, concatBytes } from "../../base/bytes.ts"
import type { FileClass } from "../../chunks/classes.ts"
import { isFailure } from "../../system/stat.ts"
import type { SplitJob, SplitRead, SplitResult } from "./split-job.ts"

export interface PackedJobs {
  /** Joined by NUL, which no path has. */
  readonly paths: string
  /** Size, previous class and anchor of each. */
  readonly numbers: Float64Array<ArrayBuffer>
  /** Inode, mtime and ctime of each. */
  readonly stamps: BigInt64Array<ArrayBuffer>
}

export function packJobs(jobs: readonly SplitJob[]): PackedJobs {
  const numbers = new Float64Array(jobs.length * 3)
  const stamps = new BigInt64Array(jobs.length * 3)
  jobs.forEach((job, i) => {
    numbers[i * 3] = job.size
    numbers[i * 3 + 1] = job.previousClass
    numbers[i * 3 + 2] = job.anchor
    stamps[i * 3] = job.inode
    stamps[i * 3 + 1] = job.mtimeNs
    stamps[i * 3 + 2] = job.ctimeNs
  })
  return { paths: jobs.map((job) => job.path).join("\0"), numbers, stamps }
}

export function unpackJobs({ paths, numbers, stamps }: PackedJobs): SplitJob[] {
  return paths.split("\0").map((path, i) => ({
    path,
    size: numbers[i * 3] as number, // the columns have the length that `packJobs` gave them
    anchor: numbers[i * 3 + 2] as number,
    previousClass: numbers[i * 3 + 1] as FileClass | -1,
    inode: BigInt.asUintN(64, stamps[i * 3] as bigint),
    mtimeNs: stamps[i * 3 + 1] as bigint,
    ctimeNs: stamps[i * 3 + 2] as bigint,
  }))
}

export interface PackedResults {
  /** Bytes, file class, and bytes of ids of each; the latter is -1 for a chunk list's root. */
  readonly numbers: Float64Array<ArrayBuffer>
  readonly ids: Bytes
  /** What does not fit the columns, by position: failures, torn files, files that have changed or have attributes. */
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

/** The ids are views of one buffer. */
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
