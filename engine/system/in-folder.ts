/**
 * Calls on one name in an open folder: relative to its handle if `native` has them (openat and its
 * kin), else by a path. A path below /proc costs the kernel a third more. All throw errors of
 * node:fs, with the system's code.
 */
import { existsSync, fstatSync, mkdirSync, openSync, renameSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import type { Native } from "./native-calls.ts"
import { checkCode, systemError } from "./stat.ts"

/** Missing in node:fs: a handle on an entry that needs no right to read it. */
export const O_PATH = 0x200000

/** The extended attributes of POSIX ACLs. */
export const ACCESS_ACL = "system.posix_acl_access" as RawPath
export const DEFAULT_ACL = "system.posix_acl_default" as RawPath

export interface FolderHandle {
  /** -1 if folders aren't kept open. */
  readonly descriptor: number
  /** Prefix for a name; ends with a slash. */
  readonly prefix: string
  /** For calls relative to the descriptor. */
  readonly native: Native | undefined
  /** Cached result of `givesOwner`. */
  gives?: boolean
  /** Cached result of `givesAcl`. */
  givesAcl?: boolean
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Whether files created in the folder belong to our effective user and group. They do if the folder
 * belongs to both, whatever its setgid bit and the mount say, and no other user can change that.
 */
export function givesOwner(folder: FolderHandle, us: Owner): boolean {
  if (folder.gives !== undefined) return folder.gives
  const stat = folder.descriptor < 0 ? undefined : fstatSync(folder.descriptor)
  folder.gives = stat?.uid === us.uid && stat.gid === us.gid
  return folder.gives
}

/**
 * Whether entries created in the folder inherit an ACL from it. False without native calls, which
 * can't tell.
 */
export function givesAcl(folder: FolderHandle): boolean {
  folder.givesAcl ??= folder.native?.hasAttribute(`${folder.prefix}.`, DEFAULT_ACL) === true
  return folder.givesAcl
}

/** Whether folders can be kept open and their entries reached by `/proc/self/fd`. */
export function hasHandles(): boolean {
  return process.platform === "linux" && existsSync("/proc/self/fd")
}

/** @returns a descriptor that child processes don't inherit */
export function openIn({ descriptor, prefix, native }: FolderHandle, name: RawPath, flags: number): number {
  if (native === undefined) return openSync(fsPath(prefix + name), flags, 0o600)
  const opened = native.openAt(descriptor, name, flags, 0o600)
  if (typeof opened === "string") throw systemError(opened)
  return opened
}

export function makeFolderIn({ descriptor, prefix, native }: FolderHandle, name: RawPath): void {
  if (native === undefined) mkdirSync(fsPath(prefix + name), 0o700)
  else checkCode(native.makeFolderAt(descriptor, name, 0o700))
}

/** Replaces an entry named `to`, like rename(2). */
export function renameIn({ descriptor, prefix, native }: FolderHandle, from: RawPath, to: RawPath): void {
  if (native === undefined) renameSync(fsPath(prefix + from), fsPath(prefix + to))
  else checkCode(native.renameAt(descriptor, from, to))
}
