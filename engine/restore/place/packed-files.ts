/**
 * The files of a job as they travel to a thread: in columns, since a copy of an object for each file
 * costs five times as much as its share of a few arrays.
 */
import type { RawPath } from "../../base/ids.ts"
import type { ExtendedAttribute } from "../../system/stat.ts"
import type { NewFile } from "../../target/target.ts"
import type { PlaceFile } from "./place-jobs.ts"

export interface PackedFiles {
  /** Joined by NUL, which no path has. */
  readonly paths: string
  /** Size, pieces, mode, user and group: five numbers a file. */
  readonly numbers: Float64Array
  readonly timesNs: BigInt64Array
  readonly flags: Uint8Array
  /** What few files have, by position. */
  readonly xattrs: ReadonlyMap<number, readonly ExtendedAttribute[]>
  readonly begun: ReadonlyMap<number, NewFile>
}

const NUMBERS = 5
const SPARSE = 1
const REPLACE = 2
const SYNC = 4

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
        xattrs: xattrs.get(i) ?? NONE,
      },
      sparse: (flag & SPARSE) !== 0,
      replace: (flag & REPLACE) !== 0,
      sync: (flag & SYNC) !== 0,
      begun: begun.get(i) ?? null,
    }
  })
}

const NONE: readonly ExtendedAttribute[] = []
