/**
 * A file is read until it was the same before and after, three times at most: what changes while it is read
 * would be neither what it was nor what it is.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import { fsPath } from "../base/paths.ts"
import type { FileClass } from "../chunking/classes.ts"
import { openNative } from "../files/native.ts"
import { isFailure, type Stat } from "../files/source.ts"
import { toStat } from "../files/stat.ts"
import type { FreshStat, SplitJob, SplitRead, SplitResult } from "./split-job.ts"

const ATTEMPTS = 3

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Reads all of the open file, from its start. */
export type ReadOnce = (
  fd: number,
  expectedBytes: number,
  previous: FileClass | undefined,
) => Omit<SplitRead, "outcome" | "stat" | "xattrs">

export function readSteady(job: SplitJob, readOnce: ReadOnce): SplitResult {
  const previousClass = job.previousClass < 0 ? undefined : (job.previousClass as FileClass)
  let seen: FreshStat | SplitJob = job
  try {
    for (let attempt = 1; ; attempt++) {
      const fd = openSync(fsPath(job.path), OPEN_FLAGS)
      try {
        if (attempt > 1) seen = freshStat(fd) // refuses what is no file any more
        const read = readOnce(fd, seen.size, previousClass)
        const xattrs = openNative()?.attributesOf(fd) ?? []
        const after = freshStat(fd)
        const steady = same(seen, after) && read.bytes === after.size
        if (steady || attempt === ATTEMPTS) {
          const stat = same(job, after) ? null : after
          return { ...read, outcome: steady ? "read" : "torn", stat, xattrs }
        }
      } finally {
        closeSync(fd)
      }
    }
  } catch (error) {
    if (error instanceof EngineError && error.kind === "corrupt") throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    return { outcome: "failed", code, message: reason(code) }
  }
}

function same(a: FreshStat | SplitJob, b: FreshStat): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.inode === b.inode
}

function freshStat(fd: number): FreshStat {
  const stat = fstat(fd)
  if (stat.type !== "file") throw new EngineError("invalid", "ENOTFILE", "it is no longer a file")
  const { size, mode, uid, gid, inode, mtimeNs, ctimeNs } = stat
  return { size, mode, uid, gid, inode, mtimeNs, ctimeNs }
}

function fstat(fd: number): Stat {
  const found = openNative()?.statOf(fd)
  return found === undefined || isFailure(found) ? toStat(fstatSync(fd, { bigint: true })) : found
}

function reason(code: string): string {
  switch (code) {
    case "ENOENT":
      return "it vanished while the backup ran"
    case "EACCES":
    case "EPERM":
      return "permission denied"
    case "ELOOP":
    case "EISDIR":
    case "EAGAIN":
    case "ENXIO":
    case "ENOTFILE":
      return "it turned into something else while the backup ran"
    default:
      return `could not be read (${code})`
  }
}
