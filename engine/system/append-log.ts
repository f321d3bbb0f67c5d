/**
 * Appends a line to a log file in a folder that others may write: nothing is followed through a link, neither the
 * folder nor the file, and only a plain file with one name is written. The folder's time stays as it was, so a backup
 * of the folder does not change because of its log.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type BigIntStats,
} from "node:fs"
import { join } from "node:path"
import { errorCode } from "../base/errno.ts"
import { writeAll } from "../base/write-all.ts"
import { hasHandles } from "./in-folder.ts"
import { openNative } from "./native.ts"
import { NATIVE_FALLBACKS } from "./native-calls.ts"

export interface LogFile {
  /** Absolute. Links above its last name are the user's own choice. */
  readonly folder: string
  /** The newest file is `NAME.jsonl`, older ones are `NAME.1.jsonl` and so on. */
  readonly name: string
  /** A longer file is moved aside before the next line. */
  readonly bytesMax: number
  /** Older files that are kept. */
  readonly keep: number
}

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const OPEN_FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | NO_FOLLOW
const OPEN_FILE =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NO_FOLLOW | (constants.O_NONBLOCK ?? 0)

/**
 * Appends a line with one write. A torn last line is ended first.
 * @returns why nothing was written: a system's code, "a link" or "not a file"; undefined if it was
 */
export function appendToLog(log: LogFile, line: string): string | undefined {
  let folder: number | undefined
  try {
    if (lstatSync(log.folder).isSymbolicLink()) return "a link"
    folder = openSync(log.folder, OPEN_FOLDER)
    const before = fstatSync(folder, { bigint: true })
    // without /proc the path is used: the look above catches links that were there before
    const place = hasHandles() ? `/proc/self/fd/${folder}` : log.folder
    rotate(log, place)
    const refused = append(join(place, `${log.name}.jsonl`), line)
    keepTime(folder, before)
    return refused
  } catch (error) {
    const code = errorCode(error)
    return code === "ELOOP" || code === "EMLINK" ? "a link" : code
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

function append(file: string, line: string): string | undefined {
  const descriptor = openSync(file, OPEN_FILE, 0o600)
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return "not a file"
    if (stat.nlink > 1) return "a link"
    writeAll(descriptor, Buffer.from(`${isTorn(file, stat.size) ? "\n" : ""}${line}\n`))
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

/** Whether the last line has no end: a run was killed in the middle of it. */
function isTorn(file: string, size: number): boolean {
  if (size === 0) return false
  const descriptor = openSync(file, constants.O_RDONLY | NO_FOLLOW | (constants.O_NONBLOCK ?? 0))
  try {
    const last = new Uint8Array(1)
    return readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a
  } finally {
    closeSync(descriptor)
  }
}

function rotate({ name, bytesMax, keep }: LogFile, place: string): void {
  const stat = lstatSync(join(place, `${name}.jsonl`), { throwIfNoEntry: false })
  if (stat === undefined || !stat.isFile() || stat.size < bytesMax) return
  const older = (number: number): string =>
    join(place, number === 0 ? `${name}.jsonl` : `${name}.${number}.jsonl`)
  rmSync(older(keep), { force: true })
  for (let number = keep - 1; number >= 0; number--) {
    if (lstatSync(older(number), { throwIfNoEntry: false })?.isFile() === true)
      renameSync(older(number), older(number + 1))
  }
}

/** New and renamed files change the folder's time. */
function keepTime(folder: number, { mtimeNs }: BigIntStats): void {
  if (fstatSync(folder, { bigint: true }).mtimeNs === mtimeNs) return
  const native = openNative() ?? NATIVE_FALLBACKS
  native.setTimes(folder, mtimeNs)
}
