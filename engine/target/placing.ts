/**
 * The last step of placing an entry: it is renamed from its temporary name to its own, in the same folder and
 * in one step. Names that the file system considers equal (upper and lower case, two encodings of a letter)
 * are reported as "exists" if nothing may be replaced.
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
  /** The temporary name in the folder. */
  readonly from: RawPath
  readonly to: RawPath
  /** The entry, for messages. */
  readonly path: RawPath
}

/** @throws an `EngineError`; the temporary entry then still exists */
export function giveName(step: Step, replace: boolean, native: Native | undefined): void {
  const { folder, from, to } = step
  const error = replace
    ? replaceName(step)
    : moveToFreeName({ from: folder.prefix + from, to: folder.prefix + to }, native)
  if (error !== undefined) throw targetError(error, step.path)
}

/** Removes a temporary entry. Never throws. */
export function dropTemporary(place: string): void {
  try {
    unlinkSync(fsPath(place))
  } catch {
    // the next restore removes it
  }
}

function replaceName({ folder, from, to }: Step): string | undefined {
  const first = attempt(() => renameIn(folder, from, to))
  if (first === undefined) return undefined
  if (first !== "EISDIR" && first !== "ENOTEMPTY" && first !== "EEXIST") return first
  // an empty folder may be replaced; one with content is removed only on request
  const emptied = attempt(() => rmdirSync(fsPath(folder.prefix + to)))
  return emptied ?? attempt(() => renameIn(folder, from, to))
}

/**
 * @param places absolute paths on one file system
 * @returns the system's code; "EEXIST" if the name is taken
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
  // a folder, or a file system without hard links: an entry that appears between these two calls is replaced
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
