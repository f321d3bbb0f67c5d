/**
 * Opens the target of a restore: makes or finds the folder, locks it, and chooses where to build. If the target
 * is empty, everything is built in a staging folder in it (target/staging.ts). Restore closes it at the end.
 */
import { createHash } from "node:crypto"
import { closeSync, constants, openSync, statSync } from "node:fs"
import * as path from "node:path"
import { EngineError } from "../base/errors.ts"
import { fsPath, showPath } from "../base/paths.ts"
import { takeFileLock, type FileLock } from "../home/file-lock.ts"
import type { RepositoryHome } from "../home/home.ts"
import { refuseOwnPlace } from "../home/own-places.ts"
import type { Repository } from "../session/repository.ts"
import { openNative } from "../system/native.ts"
import type { Native } from "../system/native-calls.ts"
import { isFailure, lstat } from "../system/stat.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import { openDryTarget } from "../target/dry-target.ts"
import type { Staging, Target, TargetOptions } from "../target/target.ts"
import type { RestoreRequest } from "./restore-request.ts"

export interface OpenedTarget {
  /** The folder that was asked for. */
  readonly named: Target
  /** Where entries are placed: a staging folder in `named`, or `named` itself. */
  readonly target: Target
  readonly staging: Staging | undefined
  /** Opens `target` again in another thread. */
  readonly options: TargetOptions
  /** The target and the folders above it that this run has made, innermost first. */
  readonly missing: readonly string[]
  /** Closes both, removes an empty staging folder and releases the lock. */
  close(): void
}

/** Throws conflict "own-place" or "busy", and what opening a target throws. A dry run makes and locks nothing. */
export function openTarget(repository: Repository, request: RestoreRequest): OpenedTarget {
  const isDry = request.dryRun === true
  const { close, later } = createCloser()
  if (request.inHome !== true) refuseOwnPlace(repository, request.target)
  try {
    const missing = isDry ? [] : missingFolders(request.target)
    const options = targetOptions(request)
    const named = isDry
      ? openDryTarget(request.target, options)
      : openDiskTarget(request.target, { ...options, create: true })
    later(() => named.close())
    const unstaged = { named, target: named, options, missing, close }
    if (isDry) {
      const staging = named.wouldStage()
      return { ...unstaged, staging, options: { ...options, staging: staging?.isNew ? undefined : staging } }
    }
    const lock = lockTarget(named.root, repository.home)
    later(() => lock.release())
    const staging = named.stage()
    if (staging === undefined) return { ...unstaged, staging }
    later(() => named.unstage(staging))
    const target = openDiskTarget(named.root, { ...options, staging })
    later(() => target.close())
    return { ...unstaged, target, staging, options: { ...options, staging } }
  } catch (error) {
    close()
    throw error
  }
}

/** Calls everything that was put off, the last one first, also when one throws. */
function createCloser(): { readonly later: (work: () => void) => void; readonly close: () => void } {
  const works: (() => void)[] = []
  const close = (): void => {
    const work = works.pop()
    if (work === undefined) return
    try {
      work()
    } finally {
      close()
    }
  }
  return { later: (work) => void works.push(work), close }
}

function targetOptions(request: RestoreRequest): TargetOptions {
  const { owners, setuid, special, systemAttributes, privileges = true } = request
  return {
    ...(owners === undefined ? {} : { owners }),
    setuid: privileges && setuid !== false,
    devices: privileges && special === true,
    systemAttributes: privileges && systemAttributes === true,
  }
}

/** The target and the folders above it that don't exist, innermost first. @param target absolute raw path */
function missingFolders(target: string): readonly string[] {
  const missing: string[] = []
  for (let at = target; isMissing(at); at = path.dirname(at)) {
    missing.push(at)
    if (path.dirname(at) === at) break
  }
  return missing
}

function isMissing(folder: string): boolean {
  const stat = lstat(folder)
  return isFailure(stat) && stat.error === "ENOENT" // other errors are reported where the folder is made
}

type Flock = Pick<Native, "lockFolder">

/**
 * One restore at a time into a target. The system's own lock on the folder (flock) is dropped when its holder
 * dies, leaves nothing in the folder, and counts for every user of this machine. Where it can't be had
 * (no koffi, a network file system, an unreadable folder), the home's lock replaces it: it counts for the runs
 * of this home with this repository. Rule F22 of spec/files.md. Throws conflict "busy" at once when another
 * restore has the lock, in this process too.
 * @param root absolute raw path of an existing folder
 */
export function lockTarget(
  root: string,
  home: Pick<RepositoryHome, "locksFolder">,
  native: Flock | undefined = openNative(),
): FileLock {
  const lock = native === undefined ? undefined : lockFolder(root, native)
  return lock ?? lockInHome(root, home)
}

/** Undefined where folders can't be locked. */
function lockFolder(root: string, native: Flock): FileLock | undefined {
  let descriptor: number
  try {
    descriptor = openSync(fsPath(root), constants.O_RDONLY | constants.O_DIRECTORY)
  } catch {
    return undefined
  }
  const error = native.lockFolder(descriptor)
  if (error === undefined) {
    let isHeld = true
    return {
      release() {
        if (isHeld) closeSync(descriptor)
        isHeld = false
      },
    }
  }
  closeSync(descriptor)
  if (error === "EAGAIN" || error === "EWOULDBLOCK") throw busy(root)
  return undefined
}

function lockInHome(root: string, { locksFolder }: Pick<RepositoryHome, "locksFolder">): FileLock {
  const { dev, ino } = statSync(fsPath(root), { bigint: true })
  const hash = createHash("sha256").update(`${dev} ${ino}`).digest("hex")
  const lock = takeFileLock(path.join(locksFolder, `restore-${hash.slice(0, 32)}.lock`), 0)
  if (lock === undefined) throw busy(root)
  return lock
}

function busy(root: string): EngineError {
  const message = `${showPath(root)}: another restore into this folder is at work; wait until it ends, or choose another folder`
  return new EngineError("conflict", "busy", message)
}
