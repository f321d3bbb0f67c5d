/**
 * Walks a local store's folders: lists objects in byte order of their full names, and removes leftover files.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { corrupt } from "../../base/errors.ts"
import { errnoOf } from "../../base/errno.ts"
import { isObjectName } from "../object-name.ts"
import type { StoredObject } from "../store.ts"

/** No object name begins with a dot, so these files are never listed. */
export const LOCAL_TEMPORARY_PREFIX = ".holdfast-tmp-"

/** No put takes this long unless the machine slept. Then its rename fails and it is repeated. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000

/**
 * Opens an object for reading. A FIFO or a device in its place is not read and does not block.
 * @throws corrupt "not-a-file", or what node:fs throws
 */
export function openObjectFile(file: string, name: string): { descriptor: number; sizeBytes: number } {
  let descriptor: number
  try {
    descriptor = fs.openSync(file, READ_WITHOUT_BLOCKING)
  } catch (error) {
    throw errnoOf(error) === "ENXIO" ? notAFile(name) : error // a socket
  }
  const stat = fs.fstatSync(descriptor)
  if (stat.isFile()) return { descriptor, sizeBytes: stat.size }
  fs.closeSync(descriptor)
  throw notAFile(name)
}

function notAFile(name: string): Error {
  return corrupt("not-a-file", name, "is not a regular file")
}

/**
 * Opening a FIFO returns at once, and a terminal does not become the controlling one. Windows has neither
 * flag.
 */
export const READ_WITHOUT_BLOCKING: number =
  fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOCTTY ?? 0)

/**
 * @param folder "" or ends with a slash
 * @param start only entries that begin with it are visited
 */
export function* listFolder(root: string, folder: string, start: string): Iterable<StoredObject> {
  for (const key of sortedEntries(root, folder, start)) {
    if (key.endsWith("/")) {
      yield* listFolder(root, folder + key, "")
      continue
    }
    const name = folder + key
    // The file may have been removed since the folder was read.
    const stat = fs.statSync(path.join(root, name), { throwIfNoEntry: false })
    // A FIFO or a device in an object's place is listed too. Leaving it out would hide the damage.
    if (stat?.isDirectory() === false && isObjectName(name)) yield { name, sizeBytes: stat.size }
  }
}

/**
 * A folder `a` sorts as `a/`, because its contents do: `a-b` is before `a/x`, as "-" is before "/".
 * Plain string order is byte order here, because names are ASCII.
 */
function sortedEntries(root: string, folder: string, start: string): string[] {
  const keys: string[] = []
  for (const entry of readFolder(path.join(root, folder))) {
    if (!entry.name.startsWith(start) || !isObjectName(entry.name)) continue
    keys.push(isFolder(path.join(root, folder), entry) ? `${entry.name}/` : entry.name)
  }
  return keys.sort()
}

function isFolder(parent: string, entry: fs.Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return fs.statSync(path.join(parent, entry.name), { throwIfNoEntry: false })?.isDirectory() === true
}

function readFolder(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    // It was removed meanwhile, or the prefix's folder is the name of an object.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return []
    throw error
  }
}

/** Removes what interrupted runs left in this folder. A failure here is not a failure of the put. */
export function removeLeftovers(folder: string, nowMs: number): void {
  try {
    for (const name of fs.readdirSync(folder)) {
      if (!name.startsWith(LOCAL_TEMPORARY_PREFIX)) continue
      const file = path.join(folder, name)
      const stat = fs.lstatSync(file, { throwIfNoEntry: false })
      if (stat !== undefined && nowMs - stat.mtimeMs > LEFTOVER_AGE_MS) fs.rmSync(file, { force: true })
    }
  } catch (error) {
    if (errnoOf(error) === "") throw error
  }
}
