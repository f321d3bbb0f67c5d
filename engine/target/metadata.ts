/**
 * Sets the metadata of a new entry. The order matters, because each step may undo or forbid the next: owner
 * (clears setuid and capabilities), attributes (a read-only mode forbids them, and an ACL changes the mode),
 * mode, times. It works on an open descriptor, or on a path that leads to the entry that was opened, so that
 * nothing else is ever changed. It returns what the file system or this user's rights refuse.
 */
import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  statSync,
  utimesSync,
} from "node:fs"
import { errorCode } from "../base/errno.ts"
import { fsPath } from "../base/paths.ts"
import type { Native } from "../system/native-calls.ts"
import {
  CAPABILITY,
  isAcl,
  modeWithoutAcl,
  permitsAttribute,
  permitsOwner,
  permittedMode,
  type Permitted,
} from "./permitted.ts"
import { ACCESS_ACL, DEFAULT_ACL } from "../system/in-folder.ts"
import { checkCode, type ExtendedAttribute, systemError } from "../system/stat.ts"
import type { LeftOut, Metadata } from "./target.ts"

export interface MetadataRules extends Permitted {
  readonly native: Native | undefined
}

/** What is known of a new file. */
export interface Made {
  /** It already has the right owner and group. */
  readonly isOwned: boolean
  /** Its folder has a default ACL, so the file may have an ACL too. */
  readonly hasAcl: boolean
}

/** @throws what node:fs throws */
export function setOpenMetadata(
  descriptor: number,
  metadata: Metadata,
  rules: MetadataRules,
  { isOwned, hasAcl }: Made,
): readonly LeftOut[] {
  const { mode, xattrs, mtimeNs, uid, gid } = metadata
  const left: LeftOut[] = []
  if (!isOwned && permitsOwner(rules, metadata))
    attempt(left, "owner", () => fchownSync(descriptor, uid, gid))
  let finalMode = mode
  if (hasAcl || xattrs.length > 0 || (mode & 0o6000) !== 0) {
    const path = `/proc/self/fd/${descriptor}`
    if (hasAcl) dropAcls(path, rules)
    const failed = setAttributes(path, xattrs, { rules, left })
    finalMode = finalModeOf(metadata, failed, { rules, left })
  }
  attempt(left, "mode", () => fchmodSync(descriptor, finalMode))
  attempt(left, "time", () => {
    if (rules.native === undefined) futimesSync(descriptor, new Date(), nodeTime(mtimeNs))
    else checkCode(rules.native.setTimes(descriptor, mtimeNs))
    if (isUnusual(mtimeNs)) checkTime(fstatSync(descriptor, { bigint: true }), mtimeNs)
  })
  return left
}

export interface Place {
  /** Absolute and raw. `/proc/self/fd/N` if `isHandle`; calls follow it to the open file. */
  readonly path: string
  readonly isHandle: boolean
  readonly isSymlink: boolean
}

/**
 * @param hasAcl as in `Made`
 * @throws what node:fs throws
 */
export function setMetadataAt(
  place: Place,
  metadata: Metadata,
  rules: MetadataRules,
  hasAcl: boolean,
): readonly LeftOut[] {
  const left: LeftOut[] = []
  if (permitsOwner(rules, metadata)) attempt(left, "owner", () => setOwnerAt(place, metadata))
  if (hasAcl && place.isHandle && !place.isSymlink) dropAcls(place.path, rules)
  const failed = setAttributes(attributePath(place), metadata.xattrs, { rules, left })
  if (!place.isSymlink) {
    const mode = finalModeOf(metadata, failed, { rules, left })
    attempt(left, "mode", () => chmodSync(fsPath(place.path), mode))
  }
  attempt(left, "time", () => setTimeAt(place, metadata.mtimeNs, rules))
  return left
}

export function setOwnerAt({ path, isHandle }: Place, { uid, gid }: Metadata): void {
  const chown = isHandle ? chownSync : lchownSync
  chown(fsPath(path), uid, gid)
}

export function setTimeAt({ path, isHandle }: Place, mtimeNs: bigint, { native }: MetadataRules): void {
  if (!isHandle) lutimesSync(fsPath(path), new Date(), nodeTime(mtimeNs))
  else if (native === undefined) utimesSync(fsPath(path), new Date(), nodeTime(mtimeNs))
  else checkCode(native.setTimesAt(path, mtimeNs))
  if (isUnusual(mtimeNs))
    checkTime((isHandle ? statSync : lstatSync)(fsPath(path), { bigint: true }), mtimeNs)
}

const SECOND = 1_000_000_000n

/**
 * Whether a time is out of range of some file systems: they end in 1901, 1970, 2038 or 2107 and change a time
 * without an error.
 */
function isUnusual(ns: bigint): boolean {
  return ns < 315_532_800n * SECOND || ns >= 2n ** 31n * SECOND
}

function checkTime({ mtimeNs }: { readonly mtimeNs: bigint }, wanted: bigint): void {
  if (isTimeOff(mtimeNs, wanted)) throw systemError("EINVAL")
}

/** Whether the difference is more than a file system's rounding. */
export function isTimeOff(ns: bigint, wanted: bigint): boolean {
  const off = ns - wanted
  return off > 2n * SECOND || off < -2n * SECOND
}

/** The path for setting attributes, which only a handle makes safe. */
export function attributePath({ path, isHandle }: Place): string | undefined {
  return isHandle ? path : undefined
}

export interface Setting {
  readonly rules: MetadataRules
  /** Metadata left out so far. */
  readonly left: LeftOut[]
}

/**
 * Sets the permitted attributes. ACLs are last, because one may take away this user's right to write the
 * others.
 * @returns the names of those that could not be set
 */
export function setAttributes(
  path: string | undefined,
  attributes: readonly ExtendedAttribute[],
  { rules, left }: Setting,
): string[] {
  const failed: string[] = []
  const set = (attribute: ExtendedAttribute): void => {
    const { name } = attribute
    if (!permitsAttribute(rules, name) || (name === CAPABILITY && left.includes("owner"))) {
      if (name === CAPABILITY) failed.push(name)
    } else if (path === undefined || rules.native === undefined) failed.push(name)
    else {
      const error = rules.native.setAttribute(path, attribute)
      if (error === "EIO") checkCode(error)
      if (error !== undefined) failed.push(name)
    }
  }
  for (const attribute of attributes) if (!isAcl(attribute.name)) set(attribute)
  for (const attribute of attributes) if (isAcl(attribute.name)) set(attribute)
  for (const name of failed) addOnce(left, kindOf(name))
  return failed
}

/** @returns the mode to set after the attributes */
export function finalModeOf(metadata: Metadata, failed: readonly string[], { rules, left }: Setting): number {
  let mode = permittedMode(rules, metadata)
  if (left.includes("owner")) mode &= ~0o6000
  if (mode !== metadata.mode) addOnce(left, "setuid")
  if (!failed.includes(ACCESS_ACL)) return mode
  const acl = metadata.xattrs.find(({ name }) => name === ACCESS_ACL)
  return acl === undefined ? mode : modeWithoutAcl(mode, acl.value)
}

/** Removes the ACLs that a new entry got from its folder's default ACL. */
export function dropAcls(path: string, { native }: MetadataRules): void {
  // a failure means that it has no ACL, or that the file system does not support them
  native?.removeAttribute(path, ACCESS_ACL)
  native?.removeAttribute(path, DEFAULT_ACL)
}

function kindOf(name: string): LeftOut {
  if (isAcl(name)) return "acl"
  return name === CAPABILITY ? "capability" : "attribute"
}

export function addOnce(left: LeftOut[], what: LeftOut): void {
  if (!left.includes(what)) left.push(what)
}

/** Errors of a file system without owners, modes or such times, or without this user's right to set them. */
const REFUSALS: readonly string[] = ["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOSYS"]

/** Records a refusal. @throws what the call throws otherwise */
export function attempt(left: LeftOut[], what: LeftOut, call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    if (!REFUSALS.includes(errorCode(error))) throw error
    addOnce(left, what)
    return false
  }
}

/** Node reads a negative number as "now". A negative Date works, with milliseconds only. */
function nodeTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / 1e9
}
