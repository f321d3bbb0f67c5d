/**
 * The calls on a file that is being read. What goes wrong in one of them is an `UnreadableFile`: that file can't
 * be saved, and the run goes on. Every other error of the write path ends the run, since a chunk may have been
 * claimed that nobody stores.
 */
import { errnoText } from "../../base/errno.ts"
import { closeSync, fstatSync, readSync } from "node:fs"
import { openNative } from "../../system/native.ts"
import { errorCode, isFailure, type Stat, toStat } from "../../system/stat.ts"

export class UnreadableFile extends Error {
  /** The operating system's, or "ENOTFILE". */
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(code, { cause })
    this.name = "UnreadableFile"
    this.code = code
  }
}

/** @returns the count of bytes; 0 at the end of the file */
export function readPiece(fd: number, memory: Uint8Array, offset: number, lengthBytes: number): number {
  try {
    return readSync(fd, memory, offset, lengthBytes, null)
  } catch (error) {
    const code = errorCode(error)
    if (code === "EAGAIN") requireFile(fd) // a FIFO in the file's place has nothing to read yet
    throw new UnreadableFile(code, error)
  }
}

export function statOpen(fd: number): Stat {
  const found = openNative()?.statOf(fd)
  if (found !== undefined && !isFailure(found)) return found
  try {
    return toStat(fstatSync(fd, { bigint: true }))
  } catch (error) {
    throw new UnreadableFile(errorCode(error), error)
  }
}

/** A device or a pipe in the file's place may never end. */
export function requireFile(fd: number): Stat {
  const stat = statOpen(fd)
  if (stat.type !== "file") throw new UnreadableFile("ENOTFILE")
  return stat
}

/** A network file system may report here that it could not read. */
export function closeFile(fd: number): void {
  try {
    closeSync(fd)
  } catch (error) {
    throw new UnreadableFile(errorCode(error), error)
  }
}

/** Why a file of the source is not in the snapshot, for a person. */
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
