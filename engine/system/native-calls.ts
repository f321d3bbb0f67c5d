/**
 * The system calls that Node lacks, with a fallback for each that the C library lacks too: Node's
 * own calls, or the answer that makes the caller use another method. One missing symbol costs one
 * feature. `native.ts` binds them.
 */
import { closeSync, fstatSync, futimesSync, mkdirSync, openSync, renameSync, utimesSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { fsPath } from "../base/paths.ts"
import type { RawPath } from "../base/ids.ts"
import { type ExtendedAttribute, type Failure, lstat, type Stat, toStat } from "./stat.ts"

/** Paths are absolute and raw. Failures are returned as the system's code; undefined is success. */
export interface Native {
  setTimes(descriptor: number, mtimeNs: bigint): string | undefined
  /** Follows links: meant for `/proc/self/fd/N`, which leads to the opened file itself. */
  setTimesAt(path: string, mtimeNs: bigint): string | undefined
  /** openat(2), with O_CLOEXEC: a descriptor, or the system's code. */
  openAt(folder: number, name: RawPath, flags: number, mode: number): number | string
  /**
   * close(2), for descriptors of `openAt` in threads where Node tracks descriptors: it doesn't know these.
   */
  close(descriptor: number): string | undefined
  /** lstat(2) of a name in a folder, at half the cost of Node's, which creates a BigInt per field. */
  statAt(folder: number, name: RawPath): Stat | Failure
  /** fstat(2). */
  statOf(descriptor: number): Stat | Failure
  makeFolderAt(folder: number, name: RawPath, mode: number): string | undefined
  /** Both names are in this folder. */
  renameAt(folder: number, from: RawPath, to: RawPath): string | undefined
  /** EEXIST if the new name exists; EINVAL or ENOSYS if the file system doesn't support this. */
  renameNew(from: string, to: string): string | undefined
  /** @param mode with the type's bits, as in mknod(2) */
  makeNode(path: string, mode: number, device: bigint): string | undefined
  /** posix_fadvise(2): the system reads ahead into its cache. Only a hint. */
  readAhead(descriptor: number, offset: number, lengthBytes: number): void
  /**
   * flock(2), exclusive and without waiting: EAGAIN if another open file has it. Released with the
   * descriptor.
   */
  lockFolder(descriptor: number): string | undefined
  syncFileSystem(descriptor: number): Promise<string | undefined>
  /** False if the two calls below always return nothing. */
  readonly readsAttributes: boolean
  attributes(path: string): readonly ExtendedAttribute[] | Failure
  /** Attributes of an open file. */
  attributesOf(descriptor: number): readonly ExtendedAttribute[] | Failure
  /** Whether it has this attribute. Never follows a link in the last component. */
  hasAttribute(path: string, name: RawPath): boolean
  /** Follows links, like `setTimesAt`. */
  setAttribute(path: string, attribute: ExtendedAttribute): string | undefined
  /** Follows links too. */
  removeAttribute(path: string, name: RawPath): string | undefined
  /**
   * mallopt(3): freed memory of at least `bytes` is returned to the system, in all threads from now
   * on. Returns whether that was set.
   */
  giveBackFrom(bytes: number): boolean
  /** malloc_trim(3): returns what all threads have freed to the system. Does nothing without glibc. */
  giveBackFreed(): void
}

function codeOf(call: () => void): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}

function below(folder: number, name: string): string | Buffer {
  return fsPath(`/proc/self/fd/${folder}/${name}`)
}

/** Times for Node's calls, accurate to about a microsecond. */
function nodeTime(mtimeNs: bigint): number {
  return Number(mtimeNs) / 1e9
}

export const NATIVE_FALLBACKS: Native = {
  setTimes: (descriptor, mtimeNs) => codeOf(() => futimesSync(descriptor, new Date(), nodeTime(mtimeNs))),
  setTimesAt: (path, mtimeNs) => codeOf(() => utimesSync(fsPath(path), new Date(), nodeTime(mtimeNs))),
  openAt(folder, name, flags, mode) {
    try {
      return openSync(below(folder, name), flags, mode)
    } catch (error) {
      return errorCode(error)
    }
  },
  close: (descriptor) => codeOf(() => closeSync(descriptor)),
  statAt: (folder, name) => lstat(`/proc/self/fd/${folder}/${name}`),
  statOf(descriptor) {
    try {
      return toStat(fstatSync(descriptor, { bigint: true }))
    } catch (error) {
      return { error: errorCode(error) }
    }
  },
  makeFolderAt: (folder, name, mode) => codeOf(() => mkdirSync(below(folder, name), mode)),
  renameAt: (folder, from, to) => codeOf(() => renameSync(below(folder, from), below(folder, to))),
  renameNew: () => "ENOSYS",
  makeNode: () => "ENOSYS",
  readAhead: () => {},
  lockFolder: () => "ENOSYS",
  syncFileSystem: async () => "ENOSYS",
  readsAttributes: false,
  attributes: () => [],
  attributesOf: () => [],
  hasAttribute: () => false,
  setAttribute: () => "ENOSYS",
  removeAttribute: () => "ENOSYS",
  giveBackFrom: () => false,
  giveBackFreed: () => {},
}
