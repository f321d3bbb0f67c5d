/**
 * lstat with exact nanoseconds and inode numbers, sizes as numbers and the type as a word. The disk
 * source and the disk target use it, so both see the same.
 */
import { type BigIntStats, lstatSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { fsPath } from "../base/paths.ts"
import type { Bytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"

export type FileType =
  "file" | "directory" | "symlink" | "fifo" | "character-device" | "block-device" | "socket"

export interface Stat {
  readonly type: FileType
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly inode: bigint
  /** Number of the file system (st_dev). */
  readonly device: bigint
  readonly links: number
  readonly uid: number
  readonly gid: number
  /** Number of a device node (st_rdev), 0 for other types. */
  readonly rdev: bigint
  /** Allocated units of 512 bytes. Fewer than `size` needs means holes. */
  readonly blocks: number
}

/** A failed call on one entry, with the operating system's code, such as EACCES. */
export interface Failure {
  readonly error: string
}

export interface ExtendedAttribute {
  /** With its namespace, such as `user.comment`. */
  readonly name: RawPath
  readonly value: Bytes
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "error" in value
}

const BIGINT = { bigint: true, throwIfNoEntry: false } as const
const TYPE_MASK = 0xf000
/** Permissions, setuid, setgid and sticky. */
export const MODE_BITS = 0o7777

/** @param path an absolute raw path */
export function lstat(path: string): Stat | Failure {
  try {
    const stats = lstatSync(fsPath(path), BIGINT)
    return stats === undefined ? { error: "ENOENT" } : toStat(stats)
  } catch (error) {
    return { error: errorCode(error) }
  }
}

export function toStat(stats: BigIntStats): Stat {
  const mode = Number(stats.mode)
  return {
    type: fileType(mode),
    mode: mode & MODE_BITS,
    size: Number(stats.size),
    mtimeNs: storableTime(stats.mtimeNs),
    ctimeNs: storableTime(stats.ctimeNs),
    inode: stats.ino,
    device: stats.dev,
    links: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    rdev: stats.rdev,
    blocks: Number(stats.blocks),
  }
}

const TIME_MAX = 2n ** 63n - 1n

/**
 * Limits a time to 64 bits of nanoseconds: 1677 to 2262 are kept exactly, though file systems have
 * times beyond.
 */
export function storableTime(ns: bigint): bigint {
  if (ns > TIME_MAX) return TIME_MAX
  return ns < -TIME_MAX ? -TIME_MAX : ns
}

/** False for a time that `storableTime` has to change. */
export function isStorable(ns: bigint): boolean {
  return ns < TIME_MAX && ns > -TIME_MAX
}

/**
 * For calls that return the system's code.
 * @throws the error of node:fs for a code; undefined is success
 */
export function checkCode(code: string | undefined): void {
  if (code !== undefined) throw systemError(code)
}

export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** @param mode st_mode, whole */
export function fileType(mode: number): FileType {
  switch (mode & TYPE_MASK) {
    case 0x8000:
      return "file"
    case 0x4000:
      return "directory"
    case 0xa000:
      return "symlink"
    case 0x1000:
      return "fifo"
    case 0x2000:
      return "character-device"
    case 0x6000:
      return "block-device"
    default:
      return "socket"
  }
}

/** The two numbers of a device node, which Linux packs into st_rdev: 12 + 20 bits each. */
export interface DeviceNumber {
  readonly major: number
  readonly minor: number
}

export function splitDeviceNumber(packed: bigint): DeviceNumber {
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & 0xfffff000n)
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

export function joinDeviceNumber({ major, minor }: DeviceNumber): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (
    (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | ((high & 0xfffff000n) << 32n)
  )
}
