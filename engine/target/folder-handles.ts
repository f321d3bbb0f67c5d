/**
 * The folders of a target, held open. A folder is opened by one name below its parent, never through a link,
 * and its entries are reached as `/proc/self/fd/N/name`. So renaming or replacing a folder meanwhile can't
 * redirect a write. Recently used handles are kept. Without /proc, every folder of a path is checked by lstat
 * before each use, which stops existing links but not those that appear in between. spec/files.md.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from "node:fs"
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, isWithin, joinPath, parentPath } from "../base/paths.ts"
import { type FolderChain, openFolderChain } from "../system/folder-chain.ts"
import { type FolderHandle, makeFolderIn, O_PATH, openIn } from "../system/in-folder.ts"
import type { Native } from "../system/native-calls.ts"
import { isFailure, lstat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"

/** State of one thread, never shared with another. */
export interface FolderHandles {
  readonly root: FolderHandle
  readonly byHandle: boolean
  /** By path, the least recently used first. */
  readonly recent: Map<RawPath, FolderHandle>
  /** Finds folders far below the recently used ones. */
  readonly chain: FolderChain
  /** The most recently used one, because files arrive folder by folder. */
  latest: { readonly path: RawPath; readonly handle: FolderHandle } | undefined
}

// a quarter of the usual limit of 1,024 open files, because up to four threads hold handles
const RECENT_MAX = 64
const ENSURE_TRIES = 16
/** Searching for each parent among the recent folders costs the square of a path's length. */
const LONG_PATH = 4096

const OPEN_FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** @param root absolute raw path of an existing folder; links in it are the user's own choice */
export function openFolders(root: string, byHandle: boolean, native?: Native): FolderHandles {
  const recent = new Map<RawPath, FolderHandle>()
  const latest = undefined
  if (!byHandle)
    return {
      root: pathHandle(root === "/" ? "/" : `${root}/`),
      byHandle,
      recent,
      chain: openFolderChain(),
      latest,
    }
  const descriptor = openSync(fsPath(root), O_PATH | constants.O_DIRECTORY)
  return {
    root: openHandle(descriptor, native),
    byHandle,
    recent,
    chain: openFolderChain(() => native),
    latest,
  }
}

/** Opens a sub-folder as the root of its own handle set. */
export function openFoldersBelow(folders: FolderHandles, name: RawPath): FolderHandles {
  const root = openBelow(folders, folders.root, name)
  if (typeof root === "string") throw targetError(root, name)
  return {
    root,
    byHandle: folders.byHandle,
    recent: new Map(),
    chain: openFolderChain(() => root.native),
    latest: undefined,
  }
}

export function closeFolders(folders: FolderHandles): void {
  for (const handle of folders.recent.values()) closeHandle(handle)
  folders.recent.clear()
  folders.chain.close()
  folders.latest = undefined
  closeHandle(folders.root)
}

export interface EnsureOptions {
  /** Whether a link or a file in the way is removed. Otherwise it is an error. */
  readonly replace: boolean
  /** The parent was created in this run, so it is probably empty: checking costs more than trying. */
  readonly isNew?: boolean
}

/** @throws "vanished" or "in-the-way" if part of the path is missing or not a folder */
export function folderAt(folders: FolderHandles, path: RawPath): FolderHandle {
  if (path === "") return folders.root
  const known = recall(folders, path)
  if (known !== undefined) return known
  const [start, handle] = nearest(folders, path)
  let reached = start
  let current = handle
  for (const name of namesBelow(start, path)) {
    reached = joinPath(reached, name)
    const opened = openBelow(folders, current, name)
    if (typeof opened === "string") throw targetError(opened, reached)
    current = remember(folders, reached, opened)
  }
  return current
}

/** Creates missing folders. With `replace` it removes what is in the way, unless that is a folder. */
export function ensureFolderAt(
  folders: FolderHandles,
  path: RawPath,
  { replace, isNew = false }: EnsureOptions,
): "created" | "existing" {
  if (path === "" || (folders.byHandle && recall(folders, path) !== undefined)) return "existing"
  if (isNew && makeBelow(folderAt(folders, parentPath(path)), path)) return "created"
  const [start, handle] = nearest(folders, path)
  let reached = start
  let current = handle
  let made: "created" | "existing" = "existing"
  for (const name of namesBelow(start, path)) {
    reached = joinPath(reached, name)
    const ensured = ensureBelow(folders, { above: current, name, path: reached }, replace)
    made = ensured.made
    current = remember(folders, reached, ensured.handle)
  }
  return made
}

/** @returns false if the name is taken after all, or the parent has changed */
function makeBelow(above: FolderHandle, path: RawPath): boolean {
  try {
    makeFolderIn(above, baseName(path))
    return true
  } catch {
    return false
  }
}

/**
 * Makes a folder writable: a repeated restore meets folders that it has already made read-only.
 * @returns the previous mode, if it had to be changed
 */
export function makeWritable(folders: FolderHandles, path: RawPath): number | undefined {
  if (process.geteuid?.() === 0) return undefined
  const handle = folderAt(folders, path)
  try {
    const mode = folders.byHandle ? fstatSync(handle.descriptor).mode : modeOf(handle.prefix)
    if ((mode & 0o700) === 0o700) return undefined
    chmodSync(fsPath(handle.prefix), (mode & 0o7777) | 0o700)
    return mode & 0o7777
  } catch (cause) {
    throw targetError(errorCode(cause), path, cause)
  }
}

/** Closes the handles of a removed folder and of all folders below it. */
export function forgetFolder(folders: FolderHandles, path: RawPath): void {
  folders.chain.close()
  for (const [known, handle] of folders.recent) {
    if (!isWithin(known, path)) continue
    folders.recent.delete(known)
    if (folders.latest?.path === known) folders.latest = undefined
    closeHandle(handle)
  }
}

function modeOf(path: string): number {
  const stat = lstat(path)
  return isFailure(stat) ? 0o700 : stat.mode
}

function openHandle(descriptor: number, native: Native | undefined): FolderHandle {
  return { descriptor, prefix: `/proc/self/fd/${descriptor}/`, native }
}

function pathHandle(prefix: string): FolderHandle {
  return { descriptor: -1, prefix, native: undefined }
}

function closeHandle(handle: FolderHandle): void {
  if (handle.descriptor >= 0) closeSync(handle.descriptor)
}

function recall(folders: FolderHandles, path: RawPath): FolderHandle | undefined {
  if (folders.latest?.path === path) return folders.latest.handle
  const handle = folders.recent.get(path)
  if (handle === undefined) return undefined
  folders.recent.delete(path)
  return use(folders, path, handle)
}

function remember(folders: FolderHandles, path: RawPath, handle: FolderHandle): FolderHandle {
  // without handles a path must be checked each time, or a later link would be followed
  if (!folders.byHandle) return handle
  use(folders, path, handle)
  for (const [oldest, least] of folders.recent) {
    if (folders.recent.size <= RECENT_MAX) break
    folders.recent.delete(oldest)
    closeHandle(least)
  }
  return handle
}

function use(folders: FolderHandles, path: RawPath, handle: FolderHandle): FolderHandle {
  folders.recent.set(path, handle)
  folders.latest = { path, handle }
  return handle
}

/** The handle is valid until the next call, unless it is kept. */
function nearest(folders: FolderHandles, path: RawPath): [RawPath, FolderHandle] {
  if (folders.byHandle && path.length > LONG_PATH) {
    const parent = parentPath(path)
    const handle = recall(folders, parent) ?? folders.chain.reach(folders.root, parent)
    if (typeof handle !== "string") return [parent, handle]
  }
  for (let above = parentPath(path); above !== ""; above = parentPath(above)) {
    const handle = recall(folders, above)
    if (handle !== undefined) return [above, handle]
  }
  return ["" as RawPath, folders.root]
}

function namesBelow(start: RawPath, path: RawPath): RawPath[] {
  return (start === "" ? path : path.slice(start.length + 1)).split("/") as RawPath[]
}

function openBelow(folders: FolderHandles, above: FolderHandle, name: RawPath): FolderHandle | string {
  if (folders.byHandle) {
    try {
      return openHandle(openIn(above, name, OPEN_FOLDER), above.native)
    } catch (error) {
      return errorCode(error)
    }
  }
  const path = above.prefix + name
  const stat = lstat(path)
  if (isFailure(stat)) return stat.error
  return stat.type === "directory" ? pathHandle(`${path}/`) : "ENOTDIR"
}

interface Wanted {
  readonly above: FolderHandle
  readonly name: RawPath
  readonly path: RawPath
}

interface Ensured {
  readonly handle: FolderHandle
  readonly made: "created" | "existing"
}

function ensureBelow(folders: FolderHandles, wanted: Wanted, replace: boolean): Ensured {
  const { above, name } = wanted
  let made: Ensured["made"] = "existing"
  let last = "ENOTDIR"
  // another program may change it between two calls; after several attempts it is an error
  for (let tries = 0; tries < ENSURE_TRIES; tries++) {
    const opened = openBelow(folders, above, name)
    if (typeof opened !== "string") return { handle: opened, made }
    last = opened
    try {
      if (opened === "ENOENT") {
        makeFolderIn(above, name)
        made = "created"
      } else if ((opened === "ENOTDIR" || opened === "ELOOP") && replace) {
        unlinkSync(fsPath(above.prefix + name))
      } else break
    } catch (error) {
      last = errorCode(error)
      if (last !== "EEXIST" && last !== "ENOENT" && last !== "EISDIR") break
    }
  }
  throw targetError(last, wanted.path)
}

/**
 * Removes an entry with everything below it, folder by folder through handles. A link is removed and never
 * followed, even if it replaces a folder while this runs.
 * @returns the number of entries removed; 0 if it was missing
 * @throws what node:fs or `folderAt` throw
 */
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
  // looked up again: on a deep path the handle from above may have been closed for another
  const place = fsPath(folderAt(folders, parent).prefix + baseName(path))
  if (isFolder) rmdirSync(place)
  else unlinkSync(place)
  return removed
}
