/**
 * An entry of a listing, and the rules for every entry that is written or read. leaf-writer.ts and
 * leaf-reader.ts have its bytes, listing-node.ts the node around it. spec/listing.md.
 */
import { type Bytes, equalBytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import { INLINE_CHUNKS_MAX, PATH_BYTES_MAX, XATTR_BYTES_MAX, XATTRS_MAX } from "../base/listing-limits.ts"

/** The positions are on disk. Never change, only add at the end. */
export const ENTRY_TYPES = [
  "file",
  "directory",
  "symlink",
  "fifo",
  "character-device",
  "block-device",
] as const

/**
 * How a file's content was taken. The positions are on disk. Never change, only add at the end.
 *
 * plain: it did not change while it was read. torn: it changed during each read. sqlite: a consistent copy of a live
 * database. sqlite-raw: a database that could not be copied so; its files were read as they were. appended: more was
 * appended meanwhile; this is what it had when it was opened.
 */
export const CAPTURES = ["plain", "torn", "sqlite", "sqlite-raw", "appended"] as const

export type Capture = (typeof CAPTURES)[number]

export type EntryType = (typeof ENTRY_TYPES)[number]

export interface Entry {
  readonly path: RawPath
  readonly type: EntryType
  /** The low twelve bits: permissions, setuid, setgid, sticky. */
  readonly mode: number
  readonly mtimeNs: bigint
  readonly uid: number
  readonly gid: number
  /** Names of the owners, "" if unknown. */
  readonly user: string
  readonly group: string
  /** Bytes of a file's content; 0 for every other type. */
  readonly size: number
  /** Only of files. */
  readonly content: Content | null
  /** Only of symlinks. */
  readonly linkTarget: RawPath | null
  /** Only of device nodes. */
  readonly device: { readonly major: number; readonly minor: number } | null
  /** The first path of the hard-link group in this snapshot; null on that first path. */
  readonly hardLink: RawPath | null
  /** Sorted by name. */
  readonly xattrs: readonly Xattr[]
  /** The file had holes. */
  readonly sparse: boolean
  /** Only of files; "plain" for everything else. */
  readonly capture: Capture
}

/** Up to 8 ids are in the entry, more in a chunk list. `fileClass` is defined in chunks/classes.ts. */
export type Content =
  | { readonly fileClass: number; readonly chunks: Bytes; readonly list?: undefined }
  | { readonly fileClass: number; readonly list: ChunkId; readonly chunks?: undefined }

export interface Xattr {
  readonly name: RawPath
  readonly value: Bytes
}

const SLASH = 0x2f
const DOT = 0x2e

/**
 * Whether `path` comes after `previous`, and exactly `shared` bytes at their start are equal. Agrees with
 * `comparePaths` and `sharedLength`, from two bytes only. The caller knows that `shared` bytes are equal.
 */
export function followsAt(previous: string, path: string, shared: number): boolean {
  if (shared >= path.length) return false
  if (shared >= previous.length) return shared === previous.length
  const before = previous.charCodeAt(shared)
  const after = path.charCodeAt(shared)
  if (after === SLASH || before === after) return false
  return before === SLASH || before < after
}

/**
 * Returns the first rule that a path breaks: every component is a plain name. "" is the snapshot's
 * root. The first `shared` bytes are from a path that was checked.
 */
export function pathFault(path: string, shared: number = 0): string | undefined {
  if (path === "") return undefined
  if (path.length > PATH_BYTES_MAX) return `a path of ${path.length} bytes`
  let start = shared === 0 ? 0 : path.lastIndexOf("/", shared - 1) + 1
  for (let i = start; i <= path.length; i++) {
    const byte = i === path.length ? SLASH : path.charCodeAt(i)
    if (byte === SLASH) {
      const fault = componentFault(path, start, i)
      if (fault !== undefined) return fault
      start = i + 1
    } else if (byte === 0 || byte > 0xff) {
      return "a path with a NUL or a character that is no byte"
    }
  }
  return undefined
}

function componentFault(path: string, start: number, end: number): string | undefined {
  const length = end - start
  if (length > 2) return undefined
  if (length === 0) return "a path with an empty component"
  if (path.charCodeAt(start) !== DOT) return undefined
  if (length === 1 || path.charCodeAt(start + 1) === DOT) return 'a path with the component "." or ".."'
  return undefined
}

/**
 * Returns the first rule that an entry's fields break, except its path. The rules are the same for
 * writing and reading.
 */
export function entryFault(entry: Entry): string | undefined {
  const { type, content, mode, uid, gid, size } = entry
  if (mode >>> 0 !== mode || mode > 0o7777) return `mode ${mode}`
  if (uid >>> 0 !== uid || gid >>> 0 !== gid) return `owner ${uid}, group ${gid}`
  if (!Number.isSafeInteger(size) || size < 0) return `a size of ${size}`
  if ((type === "file") !== (content !== null))
    return `${type} ${content === null ? "without" : "with"} content`
  if (content !== null) {
    const fault = contentFault(content, entry.size)
    if (fault !== undefined) return fault
  } else if (entry.size !== 0) {
    return `a size of ${entry.size} for a ${type}`
  } else if (entry.sparse || entry.capture !== "plain") {
    return `sparse or captured, and a ${type}`
  }
  if ((type === "symlink") !== (entry.linkTarget !== null)) return `a link target missing or on a ${type}`
  const isDevice = type === "character-device" || type === "block-device"
  if (isDevice !== (entry.device !== null)) return `device numbers missing or on a ${type}`
  return rareFault(entry)
}

function contentFault(content: Content, size: number): string | undefined {
  if (content.fileClass >>> 0 !== content.fileClass || content.fileClass > 0xff)
    return `class ${content.fileClass}`
  if (content.list !== undefined && content.list.length !== 32) return "a chunk list's id that is no id"
  if (content.chunks === undefined) return size === 0 ? "a chunk list for no bytes" : undefined
  const count = content.chunks.length / 32
  if (!Number.isInteger(count) || count > INLINE_CHUNKS_MAX)
    return `${content.chunks.length} bytes of chunk ids`
  return (count === 0) === (size === 0) ? undefined : `${count} chunks for ${size} bytes`
}

function rareFault(entry: Entry): string | undefined {
  const { linkTarget, hardLink, device, xattrs } = entry
  if (device !== null && (device.major >>> 0 !== device.major || device.minor >>> 0 !== device.minor)) {
    return `device ${device.major}:${device.minor}`
  }
  if (linkTarget !== null) {
    if (linkTarget === "" || linkTarget.length > PATH_BYTES_MAX)
      return `a link target of ${linkTarget.length} bytes`
    if (linkTarget.includes("\0")) return "a link target with a NUL"
  }
  if (hardLink !== null) {
    if (entry.type === "directory") return "a hard-linked directory"
    const fault = pathFault(hardLink)
    if (fault !== undefined) return `hard link to ${fault}`
    if (comparePaths(hardLink, entry.path) >= 0) return "a hard link to a path that does not come before"
  }
  return xattrs.length === 0 ? undefined : xattrFault(xattrs)
}

function xattrFault(xattrs: readonly Xattr[]): string | undefined {
  if (xattrs.length > XATTRS_MAX) return `${xattrs.length} extended attributes`
  let bytes = 0
  let previous = ""
  for (const { name, value } of xattrs) {
    if (name <= previous) return "extended attributes without a name, or not sorted by it"
    if (name.includes("\0")) return "an extended attribute with a NUL in its name"
    bytes += name.length + value.length
    previous = name
  }
  return bytes <= XATTR_BYTES_MAX ? undefined : `${bytes} bytes of extended attributes`
}

/** Whether two entries of one path are equal in every field. */
export function equalEntries(a: Entry, b: Entry): boolean {
  return (
    a.path === b.path &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.mtimeNs === b.mtimeNs &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.user === b.user &&
    a.group === b.group &&
    a.size === b.size &&
    a.linkTarget === b.linkTarget &&
    a.hardLink === b.hardLink &&
    a.sparse === b.sparse &&
    a.capture === b.capture &&
    a.device?.major === b.device?.major &&
    a.device?.minor === b.device?.minor &&
    equalContent(a.content, b.content) &&
    a.xattrs.length === b.xattrs.length &&
    a.xattrs.every((xattr, i) => equalXattr(xattr, b.xattrs[i]))
  )
}

function equalContent(a: Content | null, b: Content | null): boolean {
  if (a === null || b === null) return a === b
  if (a.fileClass !== b.fileClass) return false
  if (a.chunks !== undefined) return b.chunks !== undefined && equalBytes(a.chunks, b.chunks)
  return b.list !== undefined && equalBytes(a.list, b.list)
}

function equalXattr(a: Xattr, b: Xattr | undefined): boolean {
  return b !== undefined && a.name === b.name && equalBytes(a.value, b.value)
}
