/**
 * A home for a run that changes nothing, not even its own caches. It uses this device's keys, and copies of
 * its pins and caches in a temporary folder, which is removed when the run ends. spec/home.md.
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
/** Longer than any dry run. */
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
    // without room for copies, a dry run works without caches
    for (const end of ["", "-wal"]) fs.rmSync(dry.statePath + end, { force: true })
  }
  return dry
}

/** Shares blocks if the file system can. */
function copyIfThere(from: string, to: string): void {
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE)
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error
  }
}

/** Removes folders of killed dry runs. */
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
    // the next dry run tries again
  }
}
