/**
 * The folders between a source's root and the one that is being read, held open. Each is opened by one name below the
 * folder above it and never through a link, so that a folder that is exchanged for a link while a backup runs leads
 * nowhere. Of a deep chain the last folders are held and some further up, by which the others are found again.
 * Where there is no /proc, a folder is checked by lstat when it is entered. spec/files.md.
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

/** State of one thread. */
export interface FolderChain {
  /**
   * The handle of a folder below the anchor, which is the chain's until its next call; or the system's code.
   * @param path relative to the anchor; "" is the anchor itself
   */
  reach(anchor: FolderHandle, path: RawPath): FolderHandle | string
  close(): void
}

interface Level {
  readonly name: RawPath
  handle: FolderHandle | undefined
}

/** @param folder absolute raw path; links in it are the user's own choice. Throws what node:fs throws. */
export function openAnchor(folder: string): FolderHandle {
  if (!hasHandles()) return { descriptor: -1, prefix: folder === "/" ? "/" : `${folder}/`, native: undefined }
  return handleOf(openSync(fsPath(folder), O_PATH | constants.O_DIRECTORY))
}

/** An anchor that another thread of this process holds open. */
export function handleOf(descriptor: number, native?: Native): FolderHandle {
  return { descriptor, prefix: `/proc/self/fd/${descriptor}/`, native }
}

export function closeHandle({ descriptor }: FolderHandle): void {
  if (descriptor >= 0) closeSync(descriptor)
}

/** @param native when it is at hand, folders are opened by it, which is faster */
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
    // every 64th stays, so that no folder is further than that below one that is held
    if (old?.handle === undefined || (depth - HELD_MAX) % HELD_MAX === 0) return
    closeHandle(old.handle)
    old.handle = undefined
  }
  /** The last folder, opened again below the nearest one that is held. */
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
