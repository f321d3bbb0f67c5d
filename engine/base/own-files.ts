/**
 * Owners of a home's files. Root may run with another user's HOME (sudo keeps it on some systems):
 * files that it creates there are given to that user, who could not read them otherwise. If a file
 * of the home still can't be accessed, the error has the command that fixes it.
 */
import { closeSync, constants, fchownSync, fstatSync, openSync, statfsSync, statSync } from "node:fs"
import { userInfo } from "node:os"
import { dirname } from "node:path"
import { shellWord } from "./show.ts"

const FULL_BYTES = 64 * 1024

/** Gives a file that was just created to the owner of its folder. */
export function giveFile(descriptor: number, folder: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  if (uid !== 0) fchownSync(descriptor, uid, gid)
}

/** Gives a folder that was just created to the owner of its parent. */
export function giveFolder(folder: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(folder))
  if (uid === 0) return
  // by handle, since the other user may replace it by a link
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(descriptor).uid === 0) fchownSync(descriptor, uid, gid)
  } finally {
    closeSync(descriptor)
  }
}

/** Returns what can't be accessed and what to type; undefined if neither owner nor mode is the reason. */
export function accessAdvice(file: string): string | undefined {
  const user = process.geteuid?.()
  if (user === undefined || user === 0) return undefined
  const foreign = outermost(file, ({ uid }) => uid !== user)
  if (foreign?.inside === true) {
    const type = `sudo chown -R ${shellWord(userName(user))} ${shellWord(foreign.path)}`
    return `${foreign.path} belongs to another user. Run: ${type}`
  }
  const closed = outermost(file, ({ uid, mode }) => uid === user && (mode & 0o600) !== 0o600)
  if (closed !== undefined) {
    return `the mode of ${closed.path} denies access. Run: chmod -R u+rwX ${shellWord(closed.path)}`
  }
  return foreign === undefined
    ? undefined
    : "the folder belongs to another user. Set HOLDFAST_HOME to a folder of your own"
}

/** Whether the file's disk is full: SQLite reports that in many ways. */
export function isDiskFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file))
    return bavail * bsize < FULL_BYTES
  } catch {
    return false
  }
}

interface Found {
  readonly path: string
  /** It is in a folder that doesn't match. */
  readonly inside: boolean
}

/**
 * Returns the outermost of the file and its folders that match without a gap. The file itself need
 * not match or exist.
 */
function outermost(
  file: string,
  matches: (stat: { readonly uid: number; readonly mode: number }) => boolean,
): Found | undefined {
  let found: string | undefined
  let others = 0
  for (let path = file; ; path = dirname(path)) {
    const stat = statOf(path)
    if (stat !== undefined && matches(stat)) found = path
    else if (found !== undefined) return { path: found, inside: true }
    else if (stat !== undefined && ++others > 1) return undefined
    if (path === dirname(path)) return found === undefined ? undefined : { path: found, inside: false }
  }
}

function statOf(path: string): { uid: number; mode: number } | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function userName(user: number): string {
  try {
    return userInfo().username
  } catch {
    return String(user)
  }
}
