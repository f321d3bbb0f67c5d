/** Whether a folder, or an entry in one, could be created. A dry run asks this and creates nothing. */
import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"
import { fsPath } from "../base/paths.ts"
import { errorCode } from "../base/errno.ts"

/**
 * @param path absolute and raw
 * @returns the system's code with which creating the folder and those above it would fail; undefined if it
 * exists, or could be created
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
  // only for existing folders; this user would own the created ones
  return statSync(fsPath(above), { throwIfNoEntry: false }) === undefined ? undefined : whyClosed(above)
}

/**
 * @param folder absolute and raw
 * @returns the system's code with which creating an entry in it would fail
 */
export function whyClosed(folder: string): string | undefined {
  try {
    accessSync(fsPath(folder), constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}
