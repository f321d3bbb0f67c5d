/**
 * Decides which metadata of an entry a restore may set: rule F19 of spec/files.md. Pure. The same decisions
 * apply where metadata is set and where it is compared with the target's.
 */
import { ACCESS_ACL, DEFAULT_ACL, type Owner } from "../system/in-folder.ts"
import type { LeftOut, Metadata, TargetOptions } from "./target.ts"

export const CAPABILITY = "security.capability"

const SETUID = 0o4000
const SETGID = 0o2000

/** The effective user and group of this process, and the groups that it may give files to. */
export interface Us extends Owner {
  readonly groups: readonly number[]
}

export interface Permitted {
  /** "all": owners as recorded. "own": the groups of this user's own files. "none": owners are not set. */
  readonly owners: "all" | "own" | "none"
  /** Allows setuid, setgid and capabilities where the owner is restored too. */
  readonly setuid: boolean
  /** Allows trusted.*, security.* and all others that are neither `user.`, an ACL nor a capability. */
  readonly systemAttributes: boolean
  /** Undefined where users have no numbers. */
  readonly us: Us | undefined
}

export function permittedBy(options: TargetOptions): Permitted {
  const us = ourselves()
  const { owners = us?.uid === 0 ? true : undefined } = options
  return {
    owners: owners === undefined ? "own" : owners ? "all" : "none",
    setuid: options.setuid !== false && owners !== false,
    systemAttributes: options.systemAttributes === true,
    us,
  }
}

function ourselves(): Us | undefined {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()]
  if (uid === undefined || gid === undefined) return undefined
  return { uid, gid, groups: [gid, ...(process.getgroups?.() ?? [])] }
}

/** Whether the entry's owner and group may be set. */
export function permitsOwner({ owners, us }: Permitted, { uid, gid }: Owner): boolean {
  if (owners === "all") return true
  return owners === "own" && uid === us?.uid && us.groups.includes(gid)
}

/** @returns the mode without setuid and setgid where these may not be set */
export function permittedMode(permitted: Permitted, { mode, uid, gid }: Omit<Metadata, "xattrs">): number {
  if ((mode & (SETUID | SETGID)) === 0) return mode
  const { owners, setuid, us } = permitted
  if (!setuid) return mode & ~(SETUID | SETGID)
  const isOwnUser = owners === "all" || uid === us?.uid
  return mode & ~(isOwnUser ? 0 : SETUID) & ~(permitsOwner(permitted, { uid, gid }) ? 0 : SETGID)
}

export function permitsAttribute({ setuid, systemAttributes }: Permitted, name: string): boolean {
  if (name.startsWith("user.") || isAcl(name)) return true
  return name === CAPABILITY ? setuid : systemAttributes
}

/** @returns what is left out for lack of rights, as far as that is known in advance */
export function withheld(permitted: Permitted, metadata: Metadata): LeftOut[] {
  const left: LeftOut[] = []
  const { us, owners } = permitted
  const isCapable = permitsAttribute(permitted, CAPABILITY) && owners === "all" && us?.uid === 0
  if (!isCapable && metadata.xattrs.some(({ name }) => name === CAPABILITY)) left.push("capability")
  if (permittedMode(permitted, metadata) !== metadata.mode) left.push("setuid")
  return left
}

/** Whether this user may change the existing entry. */
export function isOurs({ uid }: Pick<Owner, "uid">, { us }: Permitted): boolean {
  return us === undefined || us.uid === 0 || us.uid === uid
}

export function isAcl(name: string): boolean {
  return name === ACCESS_ACL || name === DEFAULT_ACL
}

const USER = 0x02
const GROUP_OBJ = 0x04
const GROUP = 0x08
const MASK = 0x10
const HEADER_BYTES = 4
const ENTRY_BYTES = 8
/** Read, write and execute. */
const ALL = 7

/**
 * Gives the mode for an entry whose ACL can't be set. With an ACL the group bits are its mask (acl(5)), so
 * they may exceed the group's rights. No user gets more than the ACL granted: users it names may be in the
 * group or among "others", groups it names are among "others".
 * @param acl the attribute's value: a version (4 bytes), then entries of tag (2), rights (2) and id (4),
 * little-endian
 */
export function modeWithoutAcl(mode: number, acl: Uint8Array): number {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.byteLength)
  const rights = new Map<number, number>()
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= acl.length; at += ENTRY_BYTES) {
    const tag = view.getUint16(at, true)
    rights.set(tag, (rights.get(tag) ?? ALL) & view.getUint16(at + 2, true))
  }
  const mask = rights.get(MASK) ?? ALL
  const named = (tag: number): number => (rights.has(tag) ? (rights.get(tag) as number) & mask : ALL)
  const group = (rights.get(GROUP_OBJ) ?? 0) & mask & named(USER)
  const others = mode & named(USER) & named(GROUP) & ALL
  return (mode & 0o7700) | (((mode >> 3) & group) << 3) | others
}
