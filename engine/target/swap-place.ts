/**
 * A folder in which files are exchanged by renames alone: the last step of an agent's restore in place. Every path is
 * reached through the handles of its folders (folder-handles.ts), so a folder that was replaced by a link meanwhile is
 * refused and never followed. Nothing is fetched, and no existing file is written into. spec/files.md.
 */
import { linkSync, renameSync, rmdirSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, parentPath } from "../base/paths.ts"
import { isFailure, lstat, type Stat } from "../system/stat.ts"
import { openDiskTarget } from "./disk-target.ts"
import { closeFolders, ensureFolderAt, folderAt, makeWritable, removeTree } from "./folder-handles.ts"
import { moveToFreeName } from "./placing.ts"
import { targetError } from "./target-errors.ts"
import { syncFolder } from "./target-files.ts"
import { attributesAt, guarded, openState } from "./target-state.ts"
import type { Metadata } from "./target.ts"

/** Paths are raw and relative to the folder. All throw the errors of `targetError`. */
export interface SwapPlace {
  /** Undefined if there is nothing, or a folder above is missing. @throws "in-the-way" if one of them is no folder */
  look(path: RawPath): Stat | undefined
  /** Makes a folder and those above it, 0700. Replaces nothing. */
  ensureFolder(path: RawPath): void
  /** Makes a folder writable for its owner; ends with `finishFolder`. */
  unlockFolder(path: RawPath): void
  folderMetadata(path: RawPath): Metadata
  finishFolder(path: RawPath, metadata: Metadata): void
  /** Adds a second name. False where the file system has no hard links for this entry. */
  link(from: RawPath, to: RawPath): boolean
  /** @throws "exists" if the name is taken */
  move(from: RawPath, to: RawPath): void
  /** Renames over an existing entry that is not a folder. */
  replace(from: RawPath, to: RawPath): void
  /** False if it is not empty or not there. */
  removeEmptyFolder(path: RawPath): boolean
  removeTree(path: RawPath): void
  /** Flushes the names in a folder. */
  syncFolder(path: RawPath): void
  /** When it resolves, everything in the folder's file system survives a power cut. */
  flush(): Promise<void>
  close(): void
}

/** @param root absolute raw path of an existing folder */
export function openSwapPlace(root: string): SwapPlace {
  const state = openState(root, {})
  const target = openDiskTarget(root)
  const { folders, rules } = state
  const place = (path: RawPath): string => folderAt(folders, parentPath(path)).prefix + baseName(path)
  const both = (from: RawPath, to: RawPath): { from: string; to: string } => {
    folderAt(folders, parentPath(from)) // the second call must not close what the first has opened
    return { to: place(to), from: place(from) }
  }
  return {
    look(path) {
      const stat = lookAt(() => (path === "" ? `${folders.root.prefix}.` : place(path)))
      if (stat === undefined || !isFailure(stat)) return stat
      if (stat.error === "ENOENT") return undefined
      throw targetError(stat.error, path)
    },
    ensureFolder: (path) => void ensureFolderAt(folders, path, { replace: false }),
    unlockFolder: (path) => void makeWritable(folders, path),
    folderMetadata: (path) =>
      guarded(path, () => {
        const { prefix } = folderAt(folders, path)
        const stat = lstat(`${prefix}.`)
        if (isFailure(stat)) throw targetError(stat.error, path)
        const { mode, mtimeNs, uid, gid } = stat
        return { mode, mtimeNs, uid, gid, xattrs: attributesAt(state, `${prefix}.`) }
      }),
    finishFolder: (path, metadata) => void target.finishFolder(path, metadata),
    link: (from, to) =>
      guarded(to, () => {
        const names = both(from, to)
        try {
          linkSync(fsPath(names.from), fsPath(names.to))
          return true
        } catch (error) {
          if (NO_LINK.includes(errorCode(error))) return false
          throw error
        }
      }),
    move(from, to) {
      const error = moveToFreeName(both(from, to), rules.native)
      if (error !== undefined) throw targetError(error, to)
    },
    replace: (from, to) =>
      guarded(to, () => {
        const names = both(from, to)
        renameSync(fsPath(names.from), fsPath(names.to))
      }),
    removeEmptyFolder: (path) => removeEmpty(() => place(path)),
    removeTree: (path) => void guarded(path, () => removeTree(folders, path)),
    syncFolder: (path) => guarded(path, () => syncFolder(folderAt(folders, path).prefix)),
    flush: () => target.flush(),
    close() {
      target.close()
      closeFolders(folders)
    },
  }
}

/** Errors of link(2) for entries and file systems without hard links. */
const NO_LINK: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]

function lookAt(place: () => string): ReturnType<typeof lstat> | undefined {
  let found: string
  try {
    found = place()
  } catch (error) {
    const { detail } = error as { detail?: Readonly<Record<string, unknown>> }
    if (detail?.["errno"] === "ENOENT") return undefined
    throw error
  }
  return lstat(found)
}

function removeEmpty(place: () => string): boolean {
  try {
    rmdirSync(fsPath(place()))
    return true
  } catch {
    return false
  }
}
