/** Whether a folder, or an entry in one, could be made, for a dry run, which makes nothing. */
import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"
import { fsPath } from "../base/paths.ts"
import { errorCode } from "../base/errno.ts"

/**
 * The system's code with which making the folder and those above it would fail; undefined when it is
 * there, or nothing speaks against it.
 * @param path absolute and raw
 */
export function whyNotMade(path: string): string | undefined {
  try {
    if (statSync(fsPath(path)).isDirectory()) return undefined
    return "ENOTDIR"
  } catch (error) {
    const code = errorCode(error)
    if (code !== "ENOENT" || dirname(path) === path) return code
  }
  const above = dirname(path)
  const why = whyNotMade(above)
  if (why !== undefined) return why
  // for folders that are there; of those that would be made we are the owner
  return statSync(fsPath(above), { throwIfNoEntry: false }) === undefined ? undefined : whyClosed(above)
}

/** The system's code with which making an entry in this folder would fail. @param folder absolute and raw */
export function whyClosed(folder: string): string | undefined {
  try {
    accessSync(fsPath(folder), constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}
