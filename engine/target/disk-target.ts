/**
 * A target on this machine's disk. Every call finds its folder by handle (`folder-handles.ts`), creates the
 * entry under a temporary name in that folder, sets its metadata through the descriptor, and then renames it.
 * Each worker thread opens the target for itself. spec/files.md.
 */
import { chmodSync, closeSync, constants, mkdirSync, openSync, rmdirSync, unlinkSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { makeFolders } from "../base/make-folders.ts"
import { fsPath, showPath } from "../base/paths.ts"
import { closeFolders, folderAt, forgetFolder, makeWritable, removeTree } from "./folder-handles.ts"
import { checkPath } from "./safe-path.ts"
import { staging } from "./staging.ts"
import { isFailure, lstat, systemError } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import { making } from "./target-files.ts"
import { placingLinks } from "./target-links.ts"
import { listFolder, looking } from "./target-look.ts"
import { guarded, openState, placeOf, type TargetState } from "./target-state.ts"
import type { Target, TargetOptions } from "./target.ts"
import { isTemporaryName } from "../system/temporary-name.ts"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import type { Native } from "../system/native-calls.ts"

/**
 * @param root absolute raw path; links in it are the user's own choice and are followed once
 * @throws not-found "no-target", invalid "target-not-a-folder", or an error of `targetError`
 */
export function openDiskTarget(root: string, options: TargetOptions = {}): Target {
  if (options.create === true) makeRoot(root)
  const state = openState(root, options)
  return {
    ...looking(state),
    ...making(state),
    ...placingLinks(state),
    ...staging(state),
    ...ending(state),
  }
}

function makeRoot(root: string): void {
  try {
    // the target itself is private until it is finished
    makeFolders(root, (folder) => mkdirSync(fsPath(folder), { mode: folder === root ? 0o700 : 0o777 }))
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw targetError(errorCode(cause), root as RawPath, cause)
    const message = `${showPath(root as RawPath)}: cannot create the folder`
    throw new EngineError("denied", "no-folder", message, { cause })
  }
}

type Ending = Pick<Target, "removeEntry" | "unlockFolder" | "lockFolder"> &
  Pick<Target, "removeExtra" | "removeLeftovers" | "flush" | "close"> &
  Pick<Target, "root" | "xattrsAvailable">

function ending(state: TargetState): Ending {
  const { native } = state.rules
  let isOpen = true
  const remove = (path: RawPath): number => guarded(path, () => removeTree(state.folders, path))
  return {
    root: state.root,
    xattrsAvailable: native?.readsAttributes === true,
    removeExtra: (path) => {
      checkPath(path, state.portable)
      if (path === "")
        throw new EngineError("invalid", "unsafe-path", "the target folder itself is never removed")
      return remove(path)
    },
    removeEntry: (path) =>
      guarded(path, () => {
        const place = placeOf(state, path)
        const stat = lstat(place)
        if (isFailure(stat)) throw systemError(stat.error)
        forgetFolder(state.folders, path)
        if (stat.type === "directory") rmdirSync(fsPath(place))
        else unlinkSync(fsPath(place))
      }),
    unlockFolder: (path) => guarded(path, () => makeWritable(state.folders, path)),
    lockFolder: (path, mode) =>
      guarded(path, () => chmodSync(fsPath(folderAt(state.folders, path).prefix), mode)),
    removeLeftovers: (folder) => {
      const left = listFolder(state, folder).filter(isTemporaryName)
      for (const name of left) remove((folder === "" ? name : `${folder}/${name}`) as RawPath)
      return left.length
    },
    flush: () => syncTarget(state.root, native),
    close: () => {
      if (isOpen) closeFolders(state.folders)
      isOpen = false
    },
  }
}

/**
 * Flushes the file system of the target's root, once for a whole restore. Syncing each file would take
 * minutes.
 * @param root absolute raw path of the target
 * @throws unavailable "flush-failed"
 */
async function syncTarget(root: string, native: Native | undefined): Promise<void> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(fsPath(root), constants.O_RDONLY | constants.O_DIRECTORY)
    const error = native === undefined ? "ENOSYS" : await native.syncFileSystem(descriptor)
    if (error === undefined) return
    if (error !== "ENOSYS") throw new Error(error)
    await syncByChild(descriptor)
  } catch (cause) {
    const message = `${showPath(root)}: the disk failed to write the restored files; some may be lost. Restore to another disk`
    throw new EngineError("unavailable", "flush-failed", message, { cause })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

async function syncByChild(descriptor: number): Promise<void> {
  const run = promisify(execFile)
  try {
    // by descriptor, because a raw path may not be text that a child can be given
    if (process.platform === "linux") await run("sync", ["-f", `/proc/${process.pid}/fd/${descriptor}`])
    else await run("sync")
  } catch {
    // `sync` of some systems has no -f
    await run("sync")
  }
}
