/**
 * Calls on one name in a folder that is held open: relative to its handle where `native` has them
 * (openat and its kin), else by a path. A path below /proc costs the kernel a third more. All throw what node:fs
 * throws: an error with the system's code.
 */
import { existsSync, fstatSync, mkdirSync, openSync, renameSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import type { Native } from "./native-calls.ts"
import { checkCode, systemError } from "./stat.ts"

/** Not in node:fs: a handle that stands for what was opened, and needs no right to read it. */
export const O_PATH = 0x200000

/** The extended attributes that hold a POSIX ACL. */
export const ACCESS_ACL = "system.posix_acl_access" as RawPath
export const DEFAULT_ACL = "system.posix_acl_default" as RawPath

export interface FolderHandle {
  /** -1 where folders are not held open. */
  readonly descriptor: number
  /** Put in front of a name; ends with a slash. */
  readonly prefix: string
  /** For calls relative to the descriptor. */
  readonly native: Native | undefined
  /** What `givesOwner` found. */
  gives?: boolean
  /** What `givesAcl` found. */
  givesAcl?: boolean
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Whether files that we make in the folder belong to us, our effective user and group: so they do where the
 * folder belongs to both, whatever its setgid bit and the mount say, and nobody else can change that.
 */
export function givesOwner(folder: FolderHandle, us: Owner): boolean {
  if (folder.gives !== undefined) return folder.gives
  const stat = folder.descriptor < 0 ? undefined : fstatSync(folder.descriptor)
  folder.gives = stat?.uid === us.uid && stat.gid === us.gid
  return folder.gives
}

/** Whether what we make in the folder gets an ACL from it. False where nobody can know: without native calls. */
export function givesAcl(folder: FolderHandle): boolean {
  folder.givesAcl ??= folder.native?.hasAttribute(`${folder.prefix}.`, DEFAULT_ACL) === true
  return folder.givesAcl
}

/** Whether folders can be held open, and what is in them be reached by `/proc/self/fd`. */
export function hasHandles(): boolean {
  return process.platform === "linux" && existsSync("/proc/self/fd")
}

/** @returns a descriptor, which is not passed on to child processes */
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

/** Replaces what has the name `to`, as rename(2) does. */
export function renameIn({ descriptor, prefix, native }: FolderHandle, from: RawPath, to: RawPath): void {
  if (native === undefined) renameSync(fsPath(prefix + from), fsPath(prefix + to))
  else checkCode(native.renameAt(descriptor, from, to))
}
