/**
 * Removes an entry with all that is below it, folder by folder through handles: a link is removed,
 * never what it leads to, also when it takes a folder's place while this runs.
 */
import { readdirSync, rmdirSync, unlinkSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, joinPath, parentPath } from "../base/paths.ts"
import { folderAt, type FolderHandles, forgetFolder, makeWritable } from "./folder-handles.ts"
import { isFailure, lstat } from "../system/stat.ts"

/** The number of entries removed; 0 when it was not there. Throws what node:fs or `folderAt` throw. */
export function removeTree(folders: FolderHandles, path: RawPath): number {
  const parent = parentPath(path)
  const found = lstat(folderAt(folders, parent).prefix + baseName(path))
  if (isFailure(found)) return 0
  let removed = 1
  const isFolder = found.type === "directory"
  if (isFolder) {
    makeWritable(folders, path)
    const names = readdirSync(fsPath(folderAt(folders, path).prefix), "latin1") as RawPath[]
    for (const name of names) removed += removeTree(folders, joinPath(path, name))
    forgetFolder(folders, path)
  }
  // found anew: on a deep path the handle from above may have been closed for another
  const place = fsPath(folderAt(folders, parent).prefix + baseName(path))
  if (isFolder) rmdirSync(place)
  else unlinkSync(place)
  return removed
}
