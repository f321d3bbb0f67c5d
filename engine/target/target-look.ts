/** The part of a disk target that only reads: the existing entries, before anything is placed. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, parentPath } from "../base/paths.ts"
import { folderAt } from "./folder-handles.ts"
import { checkPath } from "./safe-path.ts"
import { isFailure, lstat, type Stat, toStat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import { asTargetError, attributesAt, placeOf, type TargetState } from "./target-state.ts"
import type { Target } from "./target.ts"
import { isTemporaryName } from "../system/temporary-name.ts"

// a FIFO in a file's place must not block the restore
const OLD_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export function looking(
  state: TargetState,
): Pick<Target, "look" | "list" | "readLink" | "attributes" | "openExisting"> {
  const { folders } = state
  const find = (path: RawPath): string | undefined => {
    checkPath(path, state.portable)
    try {
      return path === ""
        ? `${folders.root.prefix}.`
        : folderAt(folders, parentPath(path)).prefix + baseName(path)
    } catch {
      return undefined
    }
  }
  const look = (path: RawPath): Stat | undefined => {
    const place = find(path)
    if (place === undefined) return undefined
    const stat = lstat(place)
    if (!isFailure(stat)) return stat
    if (stat.error === "ENOENT" || stat.error === "ENOTDIR") return undefined
    throw targetError(stat.error, path)
  }
  return {
    look,
    list: (folder) => listFolder(state, folder).filter((name) => !isTemporaryName(name)),
    readLink: (path) => {
      try {
        return readlinkSync(fsPath(placeOf(state, path)), "latin1") as RawPath
      } catch (cause) {
        throw asTargetError(cause, path)
      }
    },
    attributes: (path) => {
      const place = find(path)
      return place === undefined ? [] : attributesAt(state, place)
    },
    openExisting: (path) => {
      // a device is not opened, because opening it can have effects
      if (look(path)?.type !== "file") return undefined
      const place = find(path)
      if (place === undefined) return undefined
      try {
        const descriptor = openSync(fsPath(place), OLD_FILE)
        const stat = statOf(descriptor)
        if (stat?.type === "file") return { descriptor, stat }
        closeSync(descriptor)
      } catch {
        // it counts as missing: the file is written again
      }
      return undefined
    },
  }
}

function statOf(descriptor: number): Stat | undefined {
  try {
    return toStat(fstatSync(descriptor, { bigint: true }))
  } catch {
    return undefined
  }
}

export function listFolder(state: TargetState, folder: RawPath): RawPath[] {
  checkPath(folder, state.portable)
  try {
    return readdirSync(fsPath(folderAt(state.folders, folder).prefix), "latin1").sort() as RawPath[]
  } catch (cause) {
    const code = cause instanceof EngineError ? cause.detail["errno"] : errorCode(cause)
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return []
    throw asTargetError(cause, folder)
  }
}
