/**
 * One restore at a time into a target. The system's own lock on the folder (flock) is dropped when its holder
 * dies, leaves nothing in the folder, and counts for every user of this machine. Where it can't be had
 * (no koffi, a network file system, a folder that may not be read), the home's lock stands in: it counts for
 * the runs of this home with this repository. Rule F22 of spec/files.md.
 */
import { closeSync, constants, openSync, statSync } from "node:fs"
import { createHash } from "node:crypto"
import * as path from "node:path"
import type { Native } from "../system/native-calls.ts"
import { EngineError } from "../base/errors.ts"
import { fsPath, showPath } from "../base/paths.ts"
import { openNative } from "../system/native.ts"
import { takeFileLock, type FileLock } from "../home/file-lock.ts"
import type { RepositoryHome } from "../home/home.ts"

type Flock = Pick<Native, "lockFolder">

/**
 * Throws conflict "busy" at once when another restore holds it, in this process too.
 * @param root absolute raw path of a folder that is there
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
