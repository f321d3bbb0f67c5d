/**
 * Sets what an entry has beside its content. In this order, since each step undoes part of the next
 * when turned round: owners (they clear setuid), mode, attributes, times. On an open descriptor or
 * on a path that leads to the very thing that was opened, so that nothing else is ever changed.
 */
import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  utimesSync,
} from "node:fs"
import { fsPath } from "../base/paths.ts"
import type { Native } from "./native.ts"
import { isFailure, type ExtendedAttribute } from "./source.ts"
import { checkCode } from "./stat.ts"
import type { Metadata } from "./target.ts"

export interface MetadataRules {
  readonly native: Native | undefined
  readonly owners: boolean
  readonly setuid: boolean
  readonly systemAttributes: boolean
}

/** @param isOwned the file has this owner and group. Throws what node:fs throws. */
export function setOpenMetadata(
  descriptor: number,
  metadata: Metadata,
  rules: MetadataRules,
  isOwned: boolean,
): void {
  if (rules.owners && !isOwned) fchownSync(descriptor, metadata.uid, metadata.gid)
  fchmodSync(descriptor, allowedMode(metadata.mode, rules))
  if (metadata.xattrs.length > 0) setAttributes(`/proc/self/fd/${descriptor}`, metadata.xattrs, rules)
  if (rules.native === undefined) futimesSync(descriptor, new Date(), nodeTime(metadata.mtimeNs))
  else checkCode(rules.native.setTimes(descriptor, metadata.mtimeNs))
}

export interface Place {
  /** Absolute and raw. `/proc/self/fd/N` when `isHandle`, and then it is followed to what N is. */
  readonly path: string
  readonly isHandle: boolean
  readonly isSymlink: boolean
}

/** Throws what node:fs throws. */
export function setMetadataAt(place: Place, metadata: Metadata, rules: MetadataRules): void {
  const path = fsPath(place.path)
  const chown = place.isHandle ? chownSync : lchownSync
  if (rules.owners) chown(path, metadata.uid, metadata.gid)
  if (!place.isSymlink) chmodSync(path, allowedMode(metadata.mode, rules))
  if (metadata.xattrs.length > 0 && place.isHandle) setAttributes(place.path, metadata.xattrs, rules)
  if (!place.isHandle) lutimesSync(path, new Date(), nodeTime(metadata.mtimeNs))
  else if (rules.native === undefined) utimesSync(path, new Date(), nodeTime(metadata.mtimeNs))
  else checkCode(rules.native.setTimesAt(place.path, metadata.mtimeNs))
}

function allowedMode(mode: number, rules: Pick<MetadataRules, "setuid">): number {
  return rules.setuid ? mode : mode & ~0o6000
}

/** Attributes that an entry of the snapshot does not have: those of a folder that stood there. */
export function dropExtraAttributes(
  path: string,
  wanted: readonly ExtendedAttribute[],
  rules: MetadataRules,
): void {
  const found = rules.native?.attributes(path)
  if (found === undefined || isFailure(found)) return
  const names = new Set(wanted.map(({ name }) => name))
  for (const { name } of found) {
    if (!names.has(name) && isOurs(name, rules)) checkCode(rules.native?.removeAttribute(path, name))
  }
}

function isOurs(name: string, rules: MetadataRules): boolean {
  return rules.systemAttributes || name.startsWith("user.")
}

function setAttributes(path: string, attributes: readonly ExtendedAttribute[], rules: MetadataRules): void {
  if (rules.native === undefined) return
  for (const attribute of attributes) {
    if (!isOurs(attribute.name, rules)) continue
    const error = rules.native.setAttribute(path, attribute)
    // a file system without attributes, or a symlink, which can't have any of these
    if (error !== "ENOTSUP" && error !== "EOPNOTSUPP" && error !== "EPERM") checkCode(error)
  }
}

/** Node takes a negative number for "now", but not a negative Date, which has milliseconds only. */
function nodeTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / 1e9
}
