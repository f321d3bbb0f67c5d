/**
 * The open folders from a source's root to the folder being read. Each is opened by one name below the
 * folder above it and never through a link, so a folder replaced by a link during a backup isn't followed.
 * In a deep chain only the last folders and some further up stay open; the others are reopened from those.
 * Without /proc, a folder is checked by lstat when it is entered. spec/files.md.
 */
import { closeSync, constants, openSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath, isWithin, joinPath, parentPath } from "../base/paths.ts"
import { hasHandles, O_PATH, openIn, type FolderHandle } from "./in-folder.ts"
import type { Native } from "./native-calls.ts"
import { isFailure, lstat } from "./stat.ts"

const HELD_MAX = 64
const OPEN_FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** The state of one thread. */
export interface FolderChain {
  /**
   * Returns the handle of a folder below the anchor, or the system's code. The handle is valid
   * until the next call.
   * @param path relative to the anchor; "" is the anchor itself
   */
  reach(anchor: FolderHandle, path: RawPath): FolderHandle | string
  close(): void
}

interface Level {
  readonly name: RawPath
  handle: FolderHandle | undefined
}

/**
 * @param folder absolute raw path; links in it are the user's own choice
 * @throws errors of node:fs
 */
export function openAnchor(folder: string): FolderHandle {
  if (!hasHandles()) return { descriptor: -1, prefix: folder === "/" ? "/" : `${folder}/`, native: undefined }
  return handleOf(openSync(fsPath(folder), O_PATH | constants.O_DIRECTORY))
}

/** Returns the handle of an anchor opened by another thread of this process. */
export function handleOf(descriptor: number, native?: Native): FolderHandle {
  return { descriptor, prefix: `/proc/self/fd/${descriptor}/`, native }
}

export function closeHandle({ descriptor }: FolderHandle): void {
  if (descriptor >= 0) closeSync(descriptor)
}

/** @param native opens folders faster, if available */
export function openFolderChain(native: () => Native | undefined = () => undefined): FolderChain {
  let anchor: FolderHandle | undefined
  let current = "" as RawPath
  const levels: Level[] = []

  const pop = (): void => {
    const level = levels.pop()
    if (level?.handle !== undefined) closeHandle(level.handle)
    current = parentPath(current)
  }
  const clear = (): void => {
    while (levels.length > 0) pop()
    current = "" as RawPath
  }
  const hold = (depth: number, handle: FolderHandle): void => {
    const level = levels[depth]
    if (level === undefined) return
    level.handle = handle
    const old = levels[depth - HELD_MAX]
    // every 64th stays open, so no folder is more than 64 levels below an open one
    if (old?.handle === undefined || (depth - HELD_MAX) % HELD_MAX === 0) return
    closeHandle(old.handle)
    old.handle = undefined
  }
  /** Returns the last folder, reopened below the nearest open one. */
  const top = (root: FolderHandle): FolderHandle | string => {
    let depth = levels.length - 1
    while (depth >= 0 && levels[depth]?.handle === undefined) depth--
    let handle = levels[depth]?.handle ?? root
    while (++depth < levels.length) {
      const opened = openBelow(handle, (levels[depth] as Level).name, native()) // below length
      if (typeof opened === "string") return opened
      hold(depth, opened)
      handle = opened
    }
    return handle
  }
  return {
    reach(from, path) {
      if (anchor?.descriptor !== from.descriptor || anchor.prefix !== from.prefix) clear()
      anchor = from
      while (current !== "" && !isWithin(path, current)) pop()
      if (current === path && (levels.length === 0 || levels.at(-1)?.handle !== undefined))
        return levels.at(-1)?.handle ?? from
      let handle = top(from)
      if (typeof handle === "string") return handle
      const rest = current === "" ? path : path.slice(current.length + 1)
      if (current === path) return handle
      for (const name of rest.split("/") as RawPath[]) {
        const opened = openBelow(handle, name, native())
        if (typeof opened === "string") return opened
        levels.push({ name, handle: opened })
        hold(levels.length - 1, opened)
        current = joinPath(current, name)
        handle = opened
      }
      return handle
    },
    close: clear,
  }
}

function openBelow(above: FolderHandle, name: RawPath, native: Native | undefined): FolderHandle | string {
  if (above.descriptor < 0) {
    const place = above.prefix + name
    const stat = lstat(place)
    if (isFailure(stat)) return stat.error
    return stat.type === "directory" ? { descriptor: -1, prefix: `${place}/`, native: undefined } : "ENOTDIR"
  }
  try {
    return handleOf(openIn({ ...above, native }, name, OPEN_FOLDER), native)
  } catch (error) {
    return errorCode(error)
  }
}
