/**
 * The last step of every entry that is placed: the unfinished thing under its temporary name gets its
 * own name, in the same folder, in one step. Names that the file system takes for one (upper and
 * lower case, two spellings of a letter) come out as "exists" when nothing may be replaced.
 */
import { linkSync, renameSync, rmdirSync, unlinkSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { renameIn, type FolderHandle } from "../system/in-folder.ts"
import type { Native } from "../system/native-calls.ts"
import { isFailure, lstat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"

export interface Step {
  readonly folder: FolderHandle
  /** The temporary name in it. */
  readonly from: RawPath
  readonly to: RawPath
  /** The entry, for messages. */
  readonly path: RawPath
}

/** Throws an `EngineError`; the temporary thing is then still there. */
export function giveName(step: Step, replace: boolean, native: Native | undefined): void {
  const { folder, from, to } = step
  const error = replace
    ? replaceName(step)
    : moveToFreeName({ from: folder.prefix + from, to: folder.prefix + to }, native)
  if (error !== undefined) throw targetError(error, step.path)
}

/** Removes a temporary thing; never throws. */
export function dropTemporary(place: string): void {
  try {
    unlinkSync(fsPath(place))
  } catch {
    // it stays for the next restore, which removes it
  }
}

function replaceName({ folder, from, to }: Step): string | undefined {
  const first = attempt(() => renameIn(folder, from, to))
  if (first === undefined) return undefined
  if (first !== "EISDIR" && first !== "ENOTEMPTY" && first !== "EEXIST") return first
  // an empty folder may go; one with content is removed only by those who ask for that
  const emptied = attempt(() => rmdirSync(fsPath(folder.prefix + to)))
  return emptied ?? attempt(() => renameIn(folder, from, to))
}

/**
 * @param places in absolute form, on one file system
 * @returns the system's code; "EEXIST" when the name is taken
 */
export function moveToFreeName(
  { from, to }: { readonly from: string; readonly to: string },
  native: Native | undefined,
): string | undefined {
  const renamed = native === undefined ? "ENOSYS" : native.renameNew(from, to)
  if (renamed !== "ENOSYS" && renamed !== "EINVAL" && renamed !== "ENOTSUP" && renamed !== "EOPNOTSUPP")
    return renamed
  // link(2) also refuses a name that is taken
  const linked = attempt(() => linkSync(fsPath(from), fsPath(to)))
  if (linked === undefined) return attempt(() => unlinkSync(fsPath(from)))
  if (linked !== "EPERM" && linked !== "ENOTSUP" && linked !== "EOPNOTSUPP" && linked !== "ENOSYS")
    return linked
  // a folder, or a file system without hard links: what appears between these two calls is replaced
  const stat = lstat(to)
  if (!isFailure(stat)) return "EEXIST"
  return attempt(() => renameSync(fsPath(from), fsPath(to)))
}

function attempt(call: () => void): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}
