/**
 * The state of a disk target, one per thread. Its parts reach a place only through the handle of the parent
 * folder.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, parentPath, showPath } from "../base/paths.ts"
import {
  closeFolders,
  folderAt,
  type FolderHandles,
  openFolders,
  openFoldersBelow,
} from "./folder-handles.ts"
import { hasHandles, O_PATH } from "../system/in-folder.ts"
import type { MetadataRules, Place } from "./metadata.ts"
import { openNative } from "../system/native.ts"
import { permittedBy } from "./permitted.ts"
import { checkPath } from "./safe-path.ts"
import { type ExtendedAttribute, isFailure, lstat, type Stat, systemError, toStat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import type { TargetOptions } from "./target.ts"

export interface TargetState {
  readonly root: string
  readonly folders: FolderHandles
  readonly rules: MetadataRules
  readonly portable: boolean
  readonly devices: boolean
  /** Files are created under their own names, because the staging folder is temporary. */
  readonly named: boolean
}

export function openState(root: string, options: TargetOptions): TargetState {
  const stat = statSync(fsPath(root), { throwIfNoEntry: false })
  if (stat === undefined) {
    throw new EngineError("not-found", "no-target", `${showPath(root)}: no such folder`)
  }
  if (!stat.isDirectory()) {
    throw new EngineError("invalid", "target-not-a-folder", `${showPath(root)}: is not a folder`)
  }
  const rules = {
    native: options.native === false ? undefined : openNative(),
    ...permittedBy(options),
  }
  const { byHandle = hasHandles(), staging } = options
  return {
    root,
    folders: openAt(openFolders(root, byHandle, rules.native), staging?.name),
    rules,
    portable: options.portable ?? process.platform === "win32",
    devices: options.devices === true,
    named: staging?.isNew === true,
  }
}

function openAt(folders: FolderHandles, name: RawPath | undefined): FolderHandles {
  if (name === undefined) return folders
  try {
    return openFoldersBelow(folders, name)
  } finally {
    closeFolders(folders)
  }
}

/** @returns attributes sorted by name; none where they can't be read. Never follows a link. */
export function attributesAt({ rules }: TargetState, place: string): readonly ExtendedAttribute[] {
  const found = rules.native?.attributes(place)
  return found === undefined || isFailure(found) ? [] : found
}

/** @returns the path of an entry below the handle of its folder, which can't lead elsewhere */
export function placeOf(state: TargetState, path: RawPath): string {
  checkPath(path, state.portable)
  return folderAt(state.folders, parentPath(path)).prefix + baseName(path)
}

/** Opens the entry itself, so that the entry that is checked is also the one that is changed. */
export function withHandle<T>(state: TargetState, place: string, use: (at: Place, stat: Stat) => T): T {
  if (!state.folders.byHandle) {
    const stat = lstat(place)
    if (isFailure(stat)) throw systemError(stat.error)
    return use({ path: place, isHandle: false, isSymlink: false }, stat)
  }
  const descriptor = openSync(fsPath(place), O_PATH | constants.O_NOFOLLOW)
  try {
    const stat = toStat(fstatSync(descriptor, { bigint: true }))
    return use({ path: `/proc/self/fd/${descriptor}`, isHandle: true, isSymlink: false }, stat)
  } finally {
    closeSync(descriptor)
  }
}

export function guarded<T>(path: RawPath, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw asTargetError(cause, path)
  }
}

export function asTargetError(cause: unknown, path: RawPath): EngineError {
  return cause instanceof EngineError ? cause : targetError(errorCode(cause), path, cause)
}
