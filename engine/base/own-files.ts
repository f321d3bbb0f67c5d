/**
 * Whose the files of a home are. Root may run with another user's HOME (sudo keeps it on some systems): what
 * it makes there is given to that user, who could not read it otherwise. Where a file of the home can't be
 * reached all the same, an error names the command that mends it.
 */
import { closeSync, constants, fchownSync, fstatSync, openSync, statfsSync, statSync } from "node:fs"
import { userInfo } from "node:os"
import { dirname } from "node:path"
import { shellWord } from "./show.ts"

const FULL_BYTES = 64 * 1024

/** A file that was just made, by its descriptor: it belongs to the owner of its folder. */
export function giveFile(descriptor: number, folder: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  if (uid !== 0) fchownSync(descriptor, uid, gid)
}

/** A folder that was just made belongs to the owner of the one it is in. */
export function giveFolder(folder: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(folder))
  if (uid === 0) return
  // by handle: the other user may put a link in its place meanwhile
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(descriptor).uid === 0) fchownSync(descriptor, uid, gid)
  } finally {
    closeSync(descriptor)
  }
}

/** What can't be reached and what to type; undefined where neither owner nor mode is the reason. */
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

/** True when the file's disk has no room left: SQLite reports that in many ways. */
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
  /** It is in a folder that does not match. */
  readonly inside: boolean
}

/** The outermost of the file and its folders that match without a gap; the file itself need not, nor be there. */
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
