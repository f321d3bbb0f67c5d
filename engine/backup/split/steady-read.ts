/**
 * Reads a file until it is the same before and after the read, at most three times: a mix of two states
 * is neither. The size that a file system reports is a hint (procfs reports 0, sysfs a page): if the
 * number of bytes read differs, a second read that agrees settles it. spec/files.md.
 *
 * A failing call on the file throws `UnreadableFile`: the file is not saved and the run continues. Any
 * other error ends the run, since a claimed chunk might not be stored.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { errnoText, errorCode } from "../../base/errno.ts"
import type { RawPath } from "../../base/ids.ts"
import { baseName, fsPath, parentPath } from "../../base/paths.ts"
import type { FileClass } from "../../chunks/classes.ts"
import { handleOf, type FolderChain } from "../../system/folder-chain.ts"
import { openNative } from "../../system/native.ts"
import { isFailure, type Stat, toStat } from "../../system/stat.ts"
import type { FreshStat, SplitJob, SplitRead, SplitResult } from "./split-messages.ts"

const ATTEMPTS = 3

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Reads an open file from start to end, at most `bytesMax` bytes. */
export type ReadOnce = (
  fd: number,
  file: { expectedBytes: number; bytesMax: number },
  previous: FileClass | undefined,
) => Omit<SplitRead, "outcome" | "stat" | "xattrs">

export function readSteady(job: SplitJob, folders: FolderChain, readOnce: ReadOnce): SplitResult {
  const previousClass = job.previousClass < 0 ? undefined : (job.previousClass as FileClass)
  /** The previous read, if the file did not change during it. */
  let rested: { readonly bytes: number; readonly stat: FreshStat } | undefined
  try {
    for (let attempt = 1; ; attempt++) {
      const { fd, close } = open(job, folders)
      try {
        const opened = attempt > 1 || job.appended ? freshStat(fd) : undefined // refuses what is not a file any more
        const seen = opened ?? job
        const bytesMax = job.appended && seen.size > 0 ? seen.size : Infinity
        const read = readOnce(fd, { expectedBytes: seen.size, bytesMax }, previousClass)
        const xattrs = openNative()?.attributesOf(fd) ?? []
        const after = freshStat(fd)
        if (opened !== undefined && job.appended && after.size > opened.size && read.bytes === opened.size) {
          // the next run must find it changed, so it is recorded as it was when it was opened
          return { ...read, outcome: "appended", stat: same(job, opened) ? null : opened, xattrs }
        }
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

/** Opens a file relative to its open folder, without following links: a path may have been replaced since the walk. */
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

export class UnreadableFile extends Error {
  /** An errno name, or "ENOTFILE". */
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(code, { cause })
    this.name = "UnreadableFile"
    this.code = code
  }
}

/** Returns the number of bytes read, 0 at the end of the file. */
export function readPiece(fd: number, memory: Uint8Array, offset: number, lengthBytes: number): number {
  try {
    return readSync(fd, memory, offset, lengthBytes, null)
  } catch (error) {
    const code = errorCode(error)
    if (code === "EAGAIN") requireFile(fd) // a FIFO in the file's place has nothing to read yet
    throw new UnreadableFile(code, error)
  }
}

function statOpen(fd: number): Stat {
  const found = openNative()?.statOf(fd)
  if (found !== undefined && !isFailure(found)) return found
  try {
    return toStat(fstatSync(fd, { bigint: true }))
  } catch (error) {
    throw new UnreadableFile(errorCode(error), error)
  }
}

/** Refuses a device or a pipe in the file's place, which may never end. */
export function requireFile(fd: number): Stat {
  const stat = statOpen(fd)
  if (stat.type !== "file") throw new UnreadableFile("ENOTFILE")
  return stat
}

/** Close errors count: a network file system may report a failed read here. */
function closeFile(fd: number): void {
  try {
    closeSync(fd)
  } catch (error) {
    throw new UnreadableFile(errorCode(error), error)
  }
}

/** Explains to a person why a file is not in the snapshot. */
export function unreadableReason(code: string): string {
  switch (code) {
    case "ENOENT":
      return "it was removed during the backup"
    case "EACCES":
    case "EPERM":
      return "permission denied"
    case "ELOOP":
    case "ENOTDIR":
    case "EISDIR":
    case "ENXIO":
    case "ENOTFILE":
      return "it was replaced by something else during the backup"
    case "E2BIG":
      return "it has more extended attributes than can be saved"
    default:
      return `could not be read: ${errnoText(code)}`
  }
}
