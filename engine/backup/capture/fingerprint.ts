/**
 * What tells whether a SQLite database changed, without opening it: size and times of its file, and of its
 * write-ahead log with the salts at its start, which change when the log begins again. The file alone does not
 * change when a transaction is written to the log.
 */
import { closeSync, constants, openSync, readSync } from "node:fs"
import type { RawPath } from "../../base/ids.ts"
import { fsPath } from "../../base/paths.ts"
import { isRacy } from "../../home/directory-record.ts"
import type { Source } from "../../source/source.ts"
import { isFailure, type Stat } from "../../system/stat.ts"

/** Texts, since it is kept as JSON. Two are equal if they are the same database, unchanged. */
export interface Fingerprint {
  readonly main: string
  /** "" if there is none. */
  readonly wal: string
  readonly journal: string
}

export interface Look {
  readonly fingerprint: Fingerprint
  /** Bytes of the file and its log. */
  readonly bytes: number
  /** The newest modification of either. */
  readonly mtimeNs: bigint
  readonly hasWal: boolean
  readonly hasJournal: boolean
  /** Too young: a later change might leave the same times. */
  readonly isRacy: boolean
}

const WAL_HEADER_BYTES = 32
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export function lookAtDatabase(source: Source, path: RawPath, main: Stat, nowNs: bigint): Look {
  const wal = fileAt(source, `${path}-wal` as RawPath)
  const journal = fileAt(source, `${path}-journal` as RawPath)
  const salts = wal === undefined ? "" : startOf(source, `${path}-wal` as RawPath, WAL_HEADER_BYTES)
  const all = [main, wal, journal].filter((each) => each !== undefined)
  return {
    fingerprint: {
      main: [main.device, main.inode, main.size, main.mtimeNs, main.ctimeNs].join(" "),
      wal: wal === undefined ? "" : [wal.size, wal.mtimeNs, salts].join(" "),
      journal: journal === undefined ? "" : [journal.size, journal.mtimeNs].join(" "),
    },
    bytes: main.size + (wal?.size ?? 0),
    mtimeNs: wal !== undefined && wal.mtimeNs > main.mtimeNs ? wal.mtimeNs : main.mtimeNs,
    hasWal: wal !== undefined && wal.size > 0,
    hasJournal: journal !== undefined && journal.size > 0,
    isRacy: all.some((stat) => isRacy(stat, nowNs)),
  }
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.main === b.main && a.wal === b.wal && a.journal === b.journal
}

/** The first bytes of a log as raw text; less if it is shorter or can't be read. Nobody locks a log. */
function startOf(source: Source, path: RawPath, length: number): string {
  const place = source.place(path)
  if (isFailure(place)) return ""
  let descriptor: number | undefined
  try {
    descriptor = openSync(fsPath(place), OPEN_FLAGS)
    const bytes = Buffer.alloc(length)
    return bytes.toString("latin1", 0, readSync(descriptor, bytes, 0, length, 0))
  } catch {
    return ""
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function fileAt(source: Source, path: RawPath): Stat | undefined {
  const stat = source.stat(path)
  return isFailure(stat) || stat.type !== "file" ? undefined : stat
}
