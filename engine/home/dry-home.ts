/**
 * A home for a run that must change nothing, not even its own caches: this device's keys as they are, and
 * copies of its pins and caches in a temporary folder, which goes when the run ends. What such a
 * run learns from the store is forgotten with it. spec/home.md.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { errnoOf } from "../base/errno.ts"
import type { RepositoryId } from "../base/ids.ts"
import { damageMark } from "../base/sqlite.ts"
import { repositoryPaths, type Home, type RepositoryHome } from "./home.ts"
import { makePrivateFolder } from "./private-files.ts"

const PREFIX = "holdfast-dry-run-"
/** No dry run lasts this long. */
const LEFTOVER_AGE_MS = 7 * 24 * 60 * 60 * 1000

export interface DryHome extends RepositoryHome {
  /** Removes the copies. A second call does nothing. */
  discard(): void
}

export function openDryHome(home: Home, repository: RepositoryId): DryHome {
  const real = repositoryPaths(home, repository)
  removeLeftovers()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), PREFIX)) // 0700
  const discard = (): void => {
    process.off("exit", discard)
    fs.rmSync(folder, { recursive: true, force: true })
  }
  process.once("exit", discard)
  const dry = {
    ...real,
    pinsPath: path.join(folder, "pins.json"),
    locksFolder: path.join(folder, "locks"),
    realLocksFolder: real.locksFolder,
    statePath: path.join(folder, "state.sqlite"),
    discard,
  }
  makePrivateFolder(dry.locksFolder)
  copyIfThere(real.pinsPath, dry.pinsPath)
  try {
    for (const end of ["", "-wal"]) copyIfThere(real.statePath + end, dry.statePath + end)
    copyIfThere(damageMark(real.statePath), damageMark(dry.statePath))
  } catch {
    // caches can be done without, where there is no room for copies
    for (const end of ["", "-wal"]) fs.rmSync(dry.statePath + end, { force: true })
  }
  return dry
}

/** Shares the blocks where the file system can. */
function copyIfThere(from: string, to: string): void {
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE)
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error
  }
}

/** Of dry runs that were killed. */
function removeLeftovers(): void {
  try {
    for (const name of fs.readdirSync(os.tmpdir())) {
      if (!name.startsWith(PREFIX)) continue
      const folder = path.join(os.tmpdir(), name)
      const stat = fs.lstatSync(folder)
      const isOurs = process.geteuid === undefined || stat.uid === process.geteuid()
      if (isOurs && Date.now() - stat.mtimeMs > LEFTOVER_AGE_MS)
        fs.rmSync(folder, { recursive: true, force: true })
    }
  } catch {
    // the next dry run tries it again
  }
}
