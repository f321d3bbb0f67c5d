/**
 * What each native call does where the C library lacks it: the same by Node's own calls, or the answer that makes its
 * caller take another way. So one missing symbol costs one feature.
 */
import { closeSync, fstatSync, futimesSync, mkdirSync, openSync, renameSync, utimesSync } from "node:fs"
import { fsPath } from "../base/paths.ts"
import type { Native } from "./native.ts"
import { errorCode, lstat, toStat } from "./stat.ts"

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

/** Times to about a microsecond, as Node takes them. */
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
