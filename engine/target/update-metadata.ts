/**
 * Updates the metadata of existing entries. Only what differs is set. Metadata is right if it equals the
 * snapshot's, or what this restore would have given a new file.
 */
import { chmodSync, lstatSync, statSync } from "node:fs"
import { equalBytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import {
  addOnce,
  attempt,
  attributePath,
  finalModeOf,
  isTimeOff,
  setAttributes,
  setOwnerAt,
  setTimeAt,
  type MetadataRules,
  type Place,
} from "./metadata.ts"
import { CAPABILITY, permitsAttribute, permitsOwner, permittedMode, type Permitted } from "./permitted.ts"
import { ACCESS_ACL } from "../system/in-folder.ts"
import { type ExtendedAttribute, type Stat, toStat } from "../system/stat.ts"
import type { LeftOut, Metadata, Updated } from "./target.ts"

/** The present metadata. */
export interface Standing {
  readonly stat: Stat
  /** None where they can't be read. */
  readonly xattrs: readonly ExtendedAttribute[]
}

export function hasOwner(stat: Stat, metadata: Metadata, permitted: Permitted): boolean {
  return !permitsOwner(permitted, metadata) || (stat.uid === metadata.uid && stat.gid === metadata.gid)
}

/** @returns what was left out of an entry that needs no change; undefined if something must be set */
export function leftOutOfEqual(
  standing: Standing,
  metadata: Metadata,
  rules: MetadataRules,
): readonly LeftOut[] | undefined {
  return changesFor(standing, metadata, rules) === undefined ? leftBefore(standing, metadata) : undefined
}

interface Changes {
  readonly owner: boolean
  readonly mode: boolean
  readonly time: boolean
  readonly set: readonly ExtendedAttribute[]
  readonly remove: readonly string[]
}

function changesFor(
  { stat, xattrs }: Standing,
  metadata: Metadata,
  rules: MetadataRules,
): Changes | undefined {
  const owner = !hasOwner(stat, metadata, rules)
  const isSymlink = stat.type === "symlink"
  const mode = !isSymlink && stat.mode !== metadata.mode && stat.mode !== permittedMode(rules, metadata)
  const time = stat.mtimeNs !== metadata.mtimeNs
  const found = new Map<string, ExtendedAttribute>(xattrs.map((each) => [each.name, each]))
  const wanted = new Set<string>(metadata.xattrs.map(({ name }) => name))
  const set = metadata.xattrs.filter(({ name, value }) => {
    const has = found.get(name)
    return permitsAttribute(rules, name) && !(has !== undefined && equalBytes(has.value, value))
  })
  const remove = xattrs.flatMap(({ name }) => (isExtra(name) ? [name] : []))
  if (!owner && !mode && !time && set.length === 0 && remove.length === 0) return undefined
  return { owner, mode, time, set, remove }

  /** A capability that the snapshot lacks is removed, whether or not capabilities are restored. */
  function isExtra(name: string): boolean {
    if (!wanted.has(name)) return name === CAPABILITY || permitsAttribute(rules, name)
    if (name !== CAPABILITY || permitsAttribute(rules, name)) return false
    const value = metadata.xattrs.find((each) => each.name === name)?.value
    return value === undefined || !equalBytes(value, found.get(name)?.value ?? new Uint8Array(0))
  }
}

/**
 * @param mayChange false: returns undefined if something differs
 * @returns undefined if the entry must be created again instead
 * @throws what node:fs throws
 */
export function updateMetadataAt(
  place: Place,
  standing: Standing,
  metadata: Metadata,
  { rules, mayChange }: { readonly rules: MetadataRules; readonly mayChange: boolean },
): Updated | undefined {
  const changes = changesFor(standing, metadata, rules)
  if (changes === undefined) return { changed: false, leftOut: leftBefore(standing, metadata) }
  return mayChange ? apply(place, standing, metadata, { rules, changes }) : undefined
}

/** @returns what an earlier restore left out of an entry that is otherwise right */
function leftBefore({ stat, xattrs }: Standing, metadata: Metadata): readonly LeftOut[] {
  const hasCapability = (each: readonly ExtendedAttribute[]): boolean =>
    each.some(({ name }) => name === CAPABILITY)
  const left: LeftOut[] = []
  if (stat.type !== "symlink" && stat.mode !== metadata.mode) left.push("setuid")
  if (hasCapability(metadata.xattrs) && !hasCapability(xattrs)) left.push("capability")
  return left
}

function apply(
  place: Place,
  { stat }: Standing,
  metadata: Metadata,
  { rules, changes }: { readonly rules: MetadataRules; readonly changes: Changes },
): Updated | undefined {
  const left: LeftOut[] = []
  const path = attributePath(place)
  let changed = false
  const isOwnerSet = changes.owner && attempt(left, "owner", () => setOwnerAt(place, metadata))
  // changing the owner removes a file's capabilities
  const set = isOwnerSet
    ? metadata.xattrs.filter((each) => each.name === CAPABILITY || changes.set.includes(each))
    : changes.set
  const opens = set.length + changes.remove.length > 0 && needsOpening(stat, rules)
  if (opens) attempt(left, "mode", () => chmodSync(fsPath(place.path), stat.mode | 0o200))
  for (const name of changes.remove) {
    const error = path === undefined ? "ENOTSUP" : rules.native?.removeAttribute(path, name as RawPath)
    if (error !== undefined && error !== "ENODATA" && stat.type !== "directory") return undefined
    changed ||= error === undefined
  }
  const failed = setAttributes(path, set, { rules, left })
  changed ||= isOwnerSet || set.length > failed.length
  let mode = stat.mode
  let isModeSet = false
  if (stat.type !== "symlink") {
    const isRight = !isOwnerSet && stat.mode === metadata.mode && !failed.includes(ACCESS_ACL)
    mode = isRight ? stat.mode : finalModeOf(metadata, failed, { rules, left })
    const isDisturbed = opens || isOwnerSet || changedAcl(set, changes.remove, failed)
    isModeSet =
      (isDisturbed || mode !== stat.mode) && attempt(left, "mode", () => chmodSync(fsPath(place.path), mode))
  }
  const isTimeSet = changes.time && attempt(left, "time", () => setTimeAt(place, metadata.mtimeNs, rules))
  if (isTimeSet || isModeSet) {
    const now = standsAt(place)
    if (isModeSet && now.mode !== mode) addOnce(left, "mode")
    if (isTimeSet && isTimeOff(now.mtimeNs, metadata.mtimeNs)) addOnce(left, "time")
    changed ||= now.mode !== stat.mode || now.mtimeNs !== stat.mtimeNs
  }
  return { changed, leftOut: left }
}

/**
 * FAT and similar file systems round times and ignore modes without an error. That is not a difference, or
 * each run would set it again.
 */
function standsAt({ path, isHandle }: Place): Stat {
  return toStat((isHandle ? statSync : lstatSync)(fsPath(path), { bigint: true }))
}

/** The owner may not write these attributes; root may. */
function needsOpening(stat: Stat, { us }: MetadataRules): boolean {
  return us?.uid !== 0 && stat.type !== "symlink" && (stat.mode & 0o200) === 0
}

function changedAcl(
  set: readonly ExtendedAttribute[],
  removed: readonly string[],
  failed: readonly string[],
): boolean {
  if (removed.includes(ACCESS_ACL)) return true
  return !failed.includes(ACCESS_ACL) && set.some(({ name }) => name === ACCESS_ACL)
}
