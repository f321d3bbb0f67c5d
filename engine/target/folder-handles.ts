/**
 * The folders of a target, held open. A folder is opened by one name below the folder above it, never
 * through a link, and what is in it is then reached as `/proc/self/fd/N/name`: so that nobody who
 * renames or replaces a folder on the way can lead a write elsewhere. Recently used handles are
 * kept. Where there is no /proc, every folder of a path is checked by lstat before each use, which
 * stops links that are there, not links that appear in between. spec/files.md.
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

/** State of one thread: plain data, never shared with another. */
export interface FolderHandles {
  readonly root: FolderHandle
  readonly byHandle: boolean
  /** By path, the least recently used first. */
  readonly recent: Map<RawPath, FolderHandle>
  /** Finds what is far below the folders used recently. */
  readonly chain: FolderChain
  /** The most recently used one: files come folder by folder. */
  latest: { readonly path: RawPath; readonly handle: FolderHandle } | undefined
}

// a quarter of the usual limit of 1,024 open files, for as many as four threads
const RECENT_MAX = 64
const ENSURE_TRIES = 16
/** Looking for each folder above among the recent ones costs the square of a path's length. */
const LONG_PATH = 4096

const OPEN_FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** @param root absolute raw path of a folder that is there; links in it are the user's own choice */
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

/** One folder of them as the root of others, with handles of its own. */
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
  /** Removes a link or a file in the way; else it is an error. */
  readonly replace: boolean
  /** The folder above was made in this run, so that most likely nothing stands in it: looking costs more than trying. */
  readonly isNew?: boolean
}

/** Throws "vanished" or "in-the-way" when some part of the path is missing or no folder. */
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

/** Makes what is missing; with `replace` it removes what is in the way, if that is no folder. */
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

/** False when something has the name after all, or the folder above is not what it was. */
function makeBelow(above: FolderHandle, path: RawPath): boolean {
  try {
    makeFolderIn(above, baseName(path))
    return true
  } catch {
    return false
  }
}

/**
 * A restore that is run again meets folders that it has already made read-only.
 * @returns the mode that it had, when it had to be changed
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

/** After a folder was removed: neither it nor what was below it may be used again. */
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
  // without handles a path must be looked at each time, or a link that came later would be followed
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

/** The handle is good until the next call, unless it is remembered. */
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
  // somebody may change it between two calls; who does so for ever gets an error
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
 * Removes an entry with all that is below it, folder by folder through handles: a link is removed, never
 * what it leads to, also when it replaces a folder while this runs.
 * @returns the number of entries removed; 0 when it was not there. Throws what node:fs or `folderAt` throw.
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
  // found anew: on a deep path the handle from above may have been closed for another
  const place = fsPath(folderAt(folders, parent).prefix + baseName(path))
  if (isFolder) rmdirSync(place)
  else unlinkSync(place)
  return removed
}
