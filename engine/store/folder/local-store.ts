/**
 * A store in a folder. An object is written under a temporary name beside its place, flushed and renamed.
 * Then its folder is flushed too, so a power cut leaves the object whole or absent. Leftovers of interrupted
 * runs are never listed and are removed when they are a day old. See spec/stores.md.
 *
 * Calls that only use the page cache are synchronous, because a switch to libuv's threads costs more than
 * they do. Flushes and large transfers are asynchronous, so that several run at once. The store never creates
 * its own root: an unmounted disk must not look like an empty repository.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { randomBytes } from "node:crypto"
import { promisify } from "node:util"
import { errnoOf } from "../../base/errno.ts"
import { equalBytes, type Bytes } from "../../base/bytes.ts"
import type { ObjectName } from "../../base/ids.ts"
import { makeFolders } from "../../base/make-folders.ts"
import { SYNCHRONOUS_BYTES_MAX, writeAllInTurn } from "../../base/write-all.ts"
import { localError, noFolder, noStore } from "./local-errors.ts"
import { LOCAL_TEMPORARY_PREFIX, listFolder, openObjectFile, removeLeftovers } from "./local-folder.ts"
import {
  checkObjectName,
  checkPrefix,
  checkRange,
  hashInName,
  isNamedAfter,
  objectExists,
  objectNotFound,
  shortObject,
} from "../object-name.ts"
import type { Store, StoredObject } from "../store.ts"

/** Errors of a file system without hard links. */
const NO_HARD_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]

const fsync = promisify(fs.fsync)
const read = promisify(fs.read)

interface LocalFolder {
  readonly root: string
  /** Unique among processes and machines that share the folder. */
  readonly run: string
  temporaryCount: number
  /** Folders that this process has written to, each with a function that flushes its parents once. */
  readonly folders: Map<string, () => Promise<void>>
}

export function localStore(root: string): Store {
  const local: LocalFolder = {
    root: path.resolve(root),
    run: `${process.pid}-${randomBytes(6).toString("hex")}`,
    temporaryCount: 0,
    folders: new Map(),
  }
  return {
    location: local.root,
    folder: local.root,
    put: (name, bytes) => put(local, name, bytes),
    get: (name, range) => get(local, name, range),
    lend(name) {
      checkObjectName(name)
      return path.join(local.root, name)
    },
    list: (prefix) => list(local, prefix),
    remove: (name) => remove(local, name),
  }
}

/** Creates the root folder (0700) and its missing parents durably. An existing one is left alone. */
export async function createLocalRoot(root: string): Promise<void> {
  const absolute = path.resolve(root)
  try {
    const first = makeFolders(absolute, (folder) => fs.mkdirSync(folder, { mode: 0o700 }))
    if (first === undefined) {
      if (!fs.statSync(absolute).isDirectory()) throw notAFolder()
      return
    }
    for (let folder = absolute; folder.length >= first.length; folder = path.dirname(folder)) {
      await syncFolder(path.dirname(folder))
    }
  } catch (error) {
    throw errnoOf(error) === "ENOENT" ? noFolder(root, error) : localError(error, root, "write")
  }
}

async function put(local: LocalFolder, name: ObjectName, bytes: Uint8Array): Promise<void> {
  checkObjectName(name)
  try {
    try {
      await putOnce(local, name, bytes)
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error
      if (!fs.existsSync(local.root)) throw noStore(local.root)
      // The folder was removed since it was last used.
      local.folders.clear()
      await putOnce(local, name, bytes)
    }
  } catch (error) {
    throw localError(error, local.root, "write")
  }
}

async function putOnce(local: LocalFolder, name: ObjectName, bytes: Uint8Array): Promise<void> {
  const target = path.join(local.root, name)
  const folder = path.dirname(target)
  const flushParents = prepareFolder(local, folder)
  const present = fs.lstatSync(target, { throwIfNoEntry: false })
  if (present === undefined || !(await isStored(name, target, bytes))) await writeObject(local, name, bytes)
  await Promise.all([syncFolder(folder), flushParents()]) // concurrently, and after the object: the file system makes one commit for both
}

async function writeObject(local: LocalFolder, name: ObjectName, bytes: Uint8Array): Promise<void> {
  const target = path.join(local.root, name)
  const number = local.temporaryCount++
  const temporary = path.join(path.dirname(target), `${LOCAL_TEMPORARY_PREFIX}${local.run}-${number}`)
  const file = fs.openSync(temporary, "wx", 0o600)
  try {
    try {
      await writeAllInTurn(file, bytes)
      await fsync(file)
    } finally {
      fs.closeSync(file)
    }
    if (hashInName(name) !== undefined) fs.renameSync(temporary, target)
    else createFrom(temporary, target, bytes)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    if (errnoOf(error) === "EEXIST" && (await isStored(name, target, bytes))) return
    throw error
  }
}

/**
 * Several writers may put different bytes under a name without a digest, and only the first may succeed;
 * `rename` would replace. Without hard links (FAT) the file is created under its own name.
 */
function createFrom(temporary: string, target: string, bytes: Uint8Array): void {
  try {
    fs.linkSync(temporary, target)
  } catch (error) {
    if (!NO_HARD_LINKS.includes(errnoOf(error))) throw error
    fs.writeFileSync(target, bytes, { flag: "wx", mode: 0o600, flush: true })
  }
  fs.rmSync(temporary, { force: true })
}

/**
 * Flushes the existing object, because its writer may have died before doing so, and success must mean
 * durable.
 * @returns false if the existing object is truncated or damaged; it is then replaced
 */
async function isStored(name: ObjectName, target: string, bytes: Uint8Array): Promise<boolean> {
  const { descriptor: file, sizeBytes } = openObjectFile(target, name)
  try {
    const present = sizeBytes === bytes.length ? await readExact(file, 0, bytes.length) : undefined
    if (present === undefined || !equalBytes(present, bytes)) {
      if (isNamedAfter(name, bytes)) return false
      throw objectExists(name)
    }
    await fsync(file)
    return true
  } finally {
    fs.closeSync(file)
  }
}

async function get(
  local: LocalFolder,
  name: ObjectName,
  range: { offset: number; length: number } | undefined,
): Promise<Bytes> {
  checkObjectName(name)
  checkRange(range)
  try {
    const { descriptor: file, sizeBytes } = openObjectFile(path.join(local.root, name), name)
    try {
      const { offset, length } = range ?? { offset: 0, length: sizeBytes }
      if (offset + length > sizeBytes) throw shortObject(name, offset + length, sizeBytes)
      const bytes = await readExact(file, offset, length)
      if (bytes === undefined) throw shortObject(name, offset + length, fs.fstatSync(file).size)
      return bytes
    } finally {
      fs.closeSync(file)
    }
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw localError(error, local.root, "read")
    throw fs.existsSync(local.root) ? objectNotFound(name) : noStore(local.root)
  }
}

async function* list(local: LocalFolder, prefix: string): AsyncIterable<StoredObject> {
  checkPrefix(prefix)
  try {
    const slash = prefix.lastIndexOf("/")
    const root = fs.statSync(local.root, { throwIfNoEntry: false })
    if (root === undefined) throw noStore(local.root)
    if (!root.isDirectory()) throw notAFolder()
    yield* listFolder(local.root, prefix.slice(0, slash + 1), prefix.slice(slash + 1))
  } catch (error) {
    throw localError(error, local.root, "read")
  }
}

async function remove(local: LocalFolder, name: ObjectName): Promise<void> {
  checkObjectName(name)
  const target = path.join(local.root, name)
  try {
    fs.unlinkSync(target)
    await syncFolder(path.dirname(target))
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw localError(error, local.root, "write")
    if (!fs.existsSync(local.root)) throw noStore(local.root)
  }
}

/**
 * Creates the folder.
 * @returns a function whose promise resolves when the folder and all above it are durable
 */
function prepareFolder(local: LocalFolder, folder: string): () => Promise<void> {
  const known = local.folders.get(folder)
  if (known !== undefined) return known
  const parent = path.dirname(folder)
  const flushAbove = folder === local.root ? NOTHING_TO_FLUSH : prepareFolder(local, parent)
  let flush = flushAbove
  if (folder === local.root || fs.existsSync(folder)) {
    removeLeftovers(folder, Date.now())
  } else {
    makeFolder(folder)
    flush = once(async () => void (await Promise.all([flushAbove(), syncFolder(parent)])))
  }
  local.folders.set(folder, flush)
  return flush
}

const NOTHING_TO_FLUSH = async (): Promise<void> => {}

/** Runs on the first call, and again after a failure. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  const fail = (error: unknown): never => {
    done = undefined
    throw error
  }
  return () => (done ??= work().catch(fail))
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, 0o700)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const file = fs.openSync(folder, "r")
  try {
    await fsync(file)
  } catch (error) {
    // Some network and FUSE mounts can't flush a folder; there is no other way.
    if (!["EINVAL", "ENOTSUP", "EBADF"].includes(errnoOf(error))) throw error
  } finally {
    fs.closeSync(file)
  }
}

/**
 * @returns undefined if the file ends early. The memory is not from Node's pool, so it may be transferred.
 */
async function readExact(file: number, position: number, length: number): Promise<Bytes | undefined> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let offset = 0
  while (offset < length) {
    const rest = length - offset
    const count =
      rest <= SYNCHRONOUS_BYTES_MAX
        ? fs.readSync(file, bytes, offset, rest, position + offset)
        : (await read(file, bytes, offset, rest, position + offset)).bytesRead
    if (count === 0) return undefined
    offset += count
  }
  return bytes
}

function notAFolder(): Error {
  return Object.assign(new Error("not a folder"), { code: "ENOTDIR" })
}
