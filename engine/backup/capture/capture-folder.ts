/**
 * The private folder for the copies of one run, on a disk with enough room: the temporary folder, or this device's
 * caches. It is removed when the run ends; the next capture removes those of killed runs, which a lock tells from
 * running ones.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { isFileLocked, takeFileLock } from "../../home/file-lock.ts"
import { makePrivateFolder } from "../../home/private-files.ts"

const PREFIX = "holdfast-capture-"
const LOCK = "lock"
/** Beside the copies themselves. */
const SPARE_BYTES = 16 * 1024 * 1024
/** A folder that has no lock yet may be one that another run is making. */
const NEW_MS = 60_000

export interface CaptureFolder {
  readonly path: string
  readonly name: string
  /** A second call does nothing. */
  remove(): void
}

/** @returns undefined if no disk has the room */
export function openCaptureFolder(cacheRoot: string, bytes: number): CaptureFolder | undefined {
  const places = [os.tmpdir(), cacheRoot]
  for (const place of places) removeLeftovers(place)
  for (const place of places) {
    if (!hasRoom(place, bytes)) continue
    if (place === cacheRoot) makePrivateFolder(cacheRoot)
    const folder = fs.mkdtempSync(path.join(place, PREFIX)) // 0700
    const lock = takeFileLock(path.join(folder, LOCK), 0)
    const remove = (): void => {
      process.off("exit", remove)
      lock?.release()
      fs.rmSync(folder, { recursive: true, force: true })
    }
    process.once("exit", remove)
    return { path: folder, name: path.basename(folder), remove }
  }
  return undefined
}

function hasRoom(place: string, bytes: number): boolean {
  try {
    const { bavail, bsize } = fs.statfsSync(place)
    return bavail * bsize >= bytes + SPARE_BYTES
  } catch {
    return false
  }
}

function removeLeftovers(place: string): void {
  try {
    for (const name of fs.readdirSync(place)) {
      if (name.startsWith(PREFIX)) removeLeftover(path.join(place, name))
    }
  } catch {
    // the next capture tries again
  }
}

function removeLeftover(folder: string): void {
  const stat = fs.lstatSync(folder)
  if (!stat.isDirectory() || (process.geteuid !== undefined && stat.uid !== process.geteuid())) return
  const lock = path.join(folder, LOCK)
  const isInUse = fs.existsSync(lock) ? isFileLocked(lock) : Date.now() - stat.mtimeMs < NEW_MS
  if (!isInUse) fs.rmSync(folder, { recursive: true, force: true })
}
