/**
 * A file is read until it was the same before and after, three times at most: what changes while it is read
 * would be neither what it was nor what it is. The size that a file system reports is a hint (procfs reports 0,
 * sysfs a page): if another count of bytes was read, a second read that agrees settles it.
 */
import { constants, openSync } from "node:fs"
import type { RawPath } from "../../base/ids.ts"
import { baseName, fsPath, parentPath } from "../../base/paths.ts"
import type { FileClass } from "../../chunks/classes.ts"
import { handleOf, type FolderChain } from "../../system/folder-chain.ts"
import { openNative } from "../../system/native.ts"
import { errorCode } from "../../system/stat.ts"
import { closeFile, requireFile, UnreadableFile, unreadableReason } from "./open-file.ts"
import type { FreshStat, SplitJob, SplitRead, SplitResult } from "./split-job.ts"

const ATTEMPTS = 3

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Reads all of the open file, from its start. */
export type ReadOnce = (
  fd: number,
  expectedBytes: number,
  previous: FileClass | undefined,
) => Omit<SplitRead, "outcome" | "stat" | "xattrs">

export function readSteady(job: SplitJob, folders: FolderChain, readOnce: ReadOnce): SplitResult {
  const previousClass = job.previousClass < 0 ? undefined : (job.previousClass as FileClass)
  let seen: FreshStat | SplitJob = job
  /** The read before this one, if the file rested during it. */
  let rested: { readonly bytes: number; readonly stat: FreshStat } | undefined
  try {
    for (let attempt = 1; ; attempt++) {
      const { fd, close } = open(job, folders)
      try {
        if (attempt > 1) seen = freshStat(fd) // refuses what is no file any more
        const read = readOnce(fd, seen.size, previousClass)
        const xattrs = openNative()?.attributesOf(fd) ?? []
        const after = freshStat(fd)
        const isRested = same(seen, after)
        const isWhole =
          read.bytes === after.size || (read.bytes === rested?.bytes && same(rested.stat, after))
        if ((isRested && isWhole) || attempt === ATTEMPTS) {
          const stat = same(job, after) ? null : after
          return { ...read, outcome: isRested && isWhole ? "read" : "torn", stat, xattrs }
        }
        rested = isRested ? { bytes: read.bytes, stat: after } : undefined
      } finally {
        close()
      }
    }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    return { outcome: "failed", code: error.code, message: unreadableReason(error.code) }
  }
}

interface OpenFile {
  readonly fd: number
  readonly close: () => void
}

/** By its name below the folder that is held open: the file may have been replaced since it was looked at. */
function open({ anchor, path }: SplitJob, folders: FolderChain): OpenFile {
  const folder = anchor < 0 ? undefined : folders.reach(handleOf(anchor), parentPath(path as RawPath))
  if (typeof folder === "string") throw new UnreadableFile(folder)
  const name = baseName(path as RawPath)
  const native = openNative()
  if (folder === undefined || native === undefined) {
    const fd = openByPath(folder === undefined ? path : folder.prefix + name)
    return { fd, close: () => closeFile(fd) }
  }
  const fd = native.openAt(folder.descriptor, name, OPEN_FLAGS, 0)
  if (typeof fd === "string") throw new UnreadableFile(fd)
  const close = (): void => {
    const code = native.close(fd)
    if (code !== undefined) throw new UnreadableFile(code)
  }
  return { fd, close }
}

function openByPath(path: string): number {
  try {
    return openSync(fsPath(path), OPEN_FLAGS)
  } catch (error) {
    throw new UnreadableFile(errorCode(error), error)
  }
}

function same(a: FreshStat | SplitJob, b: FreshStat): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.inode === b.inode
}

function freshStat(fd: number): FreshStat {
  const { size, mode, uid, gid, inode, mtimeNs, ctimeNs } = requireFile(fd)
  return { size, mode, uid, gid, inode, mtimeNs, ctimeNs }
}
