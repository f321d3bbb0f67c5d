/** The native calls that read: stat and extended attributes. Their results are in our own memory. */
import { constants } from "node:os"
import type { Bytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { XATTR_BYTES_MAX, XATTRS_MAX } from "../base/listing-limits.ts"
import type { Native } from "./native-calls.ts"
import {
  type ExtendedAttribute,
  type Failure,
  fileType,
  joinDeviceNumber,
  MODE_BITS,
  type Stat,
  storableTime,
} from "./stat.ts"

/** A function of the C library. */
export interface Call {
  // each prototype determines its parameters
  (...parameters: readonly unknown[]): number
  async(...parameters: readonly unknown[]): void
}

/** The part of koffi that is used. */
export interface Koffi {
  load(library: string | null): { func(prototype: string): Call }
  errno(): number
}

export type Library = ReturnType<Koffi["load"]>

const SECOND = 1_000_000_000n
const AT_SYMLINK_NOFOLLOW = 0x100
// lstat(2) doesn't trigger automounts either
const AT_NO_AUTOMOUNT = 0x800
const AT_EMPTY_PATH = 0x1000
const STATX_BASIC_STATS = 0x7ff
const STATX_BYTES = 256

/** statx(2), whose result has the same layout on every architecture. */
export function statReaders(koffi: Koffi, library: Library): Pick<Native, "statAt" | "statOf"> {
  const statx = library.func(
    "int statx(int folder, const void *path, int flags, unsigned int mask, void *result)",
  )
  const words = new Uint32Array(STATX_BYTES / 4)
  const halves = new Uint16Array(words.buffer)
  const signed = new BigInt64Array(words.buffer)
  const unsigned = new BigUint64Array(words.buffer)
  const word = (index: number): number => words[index] as number // all indexes are within it
  const long = (index: number): number => word(index * 2) + word(index * 2 + 1) * 2 ** 32
  const time = (at: number): bigint =>
    storableTime((signed[at] as bigint) * SECOND + BigInt(word(at * 2 + 2)))
  const device = deviceNumbers()
  const rdev = deviceNumbers()
  const read = (folder: number, place: string | Buffer, flags: number): Stat | Failure => {
    if (statx(folder, place, flags, STATX_BASIC_STATS, words) !== 0)
      return { error: errorName(koffi.errno()) }
    const mode = halves[14] as number
    return {
      type: fileType(mode),
      mode: mode & MODE_BITS,
      size: long(5),
      mtimeNs: time(14),
      ctimeNs: time(12),
      inode: unsigned[4] as bigint,
      device: device(word(34), word(35)),
      links: word(4),
      uid: word(5),
      gid: word(6),
      rdev: rdev(word(32), word(33)),
      blocks: long(6),
    }
  }
  return {
    statAt: (folder, name) => read(folder, cPath(name), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT),
    statOf: (descriptor) => read(descriptor, "", AT_EMPTY_PATH),
  }
}

/**
 * Joins repeated numbers once: entries of one file system follow each other, and most have device number 0.
 */
function deviceNumbers(): (major: number, minor: number) => bigint {
  let last = { major: 0, minor: 0, joined: 0n }
  return (major, minor) => {
    if (last.major !== major || last.minor !== minor)
      last = { major, minor, joined: joinDeviceNumber({ major, minor }) }
    return last.joined
  }
}

export function attributeReaders(
  koffi: Koffi,
  library: Library,
): Pick<Native, "readsAttributes" | "attributes" | "attributesOf" | "hasAttribute"> {
  const llistxattr = library.func("int64_t llistxattr(const void *path, void *list, size_t size)")
  const lgetxattr = library.func(
    "int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)",
  )
  const flistxattr = library.func("int64_t flistxattr(int fd, void *list, size_t size)")
  const fgetxattr = library.func("int64_t fgetxattr(int fd, const void *name, void *value, size_t size)")
  // the kernel's limits: a list and a value are at most 64 KiB each
  const list = Buffer.alloc(1 << 16)
  const value = Buffer.alloc(1 << 16)
  const read = (
    listOf: Call,
    getOf: Call,
    place: string | Buffer | number,
  ): readonly ExtendedAttribute[] | Failure => {
    const length = listOf(place, list, list.length)
    if (length < 0) {
      const error = errorName(koffi.errno())
      return error === "ENOTSUP" || error === "EOPNOTSUPP" ? [] : { error }
    }
    const attributes: ExtendedAttribute[] = []
    if (length === 0) return attributes
    const names = list
      .toString("latin1", 0, length - 1)
      .split("\0")
      .sort()
    let bytes = 0
    for (const name of names as RawPath[]) {
      const size = getOf(place, cPath(name), value, value.length)
      // removed since it was listed, or not readable by this user
      if (size < 0) continue
      bytes += name.length + size
      if (bytes > XATTR_BYTES_MAX || attributes.length === XATTRS_MAX) return { error: "E2BIG" }
      attributes.push({ name, value: new Uint8Array(value.subarray(0, size)) as Bytes })
    }
    return attributes
  }
  return {
    readsAttributes: true,
    attributes: (path) => read(llistxattr, lgetxattr, cPath(path)),
    attributesOf: (descriptor) => read(flistxattr, fgetxattr, descriptor),
    hasAttribute: (path, name) => lgetxattr(cPath(path), cPath(name), value, 0) >= 0,
  }
}

/** ASCII is passed as a string, which is faster; anything else as bytes with a terminating NUL. */
export function cPath(raw: string): string | Buffer {
  return /[\x80-\xff]/.test(raw) ? Buffer.from(`${raw}\0`, "latin1") : raw
}

const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
)

export function errorName(number: number): string {
  return ERROR_NAMES.get(number) ?? "EUNKNOWN"
}
