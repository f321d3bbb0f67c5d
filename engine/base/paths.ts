/**
 * Raw paths: bytes from the file system in latin1 strings, one character per byte. They are ordered
 * by components, each compared as bytes: `a` < `a/x` < `a-b`. A folder's content follows it
 * directly, and a sub-tree is one contiguous range of a listing.
 */
import type { RawPath } from "./ids.ts"
import { showText } from "./show.ts"

const SLASH = 0x2f

export function rawPath(bytes: Uint8Array): RawPath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1") as RawPath
}

/**
 * @param text UTF-8, as a person typed it
 * @returns its bytes as a raw path
 */
export function rawPathFromText(text: string): RawPath {
  return Buffer.from(text, "utf8").toString("latin1") as RawPath
}

export function pathBytes(path: RawPath): Buffer {
  return Buffer.from(path, "latin1")
}

/** Converts a path for node:fs: the string itself if it is ASCII (fast), else the bytes. */
export function fsPath(path: string): string | Buffer {
  // eslint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, "latin1") : path
}

export function joinPath(parent: RawPath, name: RawPath): RawPath {
  return (parent === "" ? name : `${parent}/${name}`) as RawPath
}

/** Returns the parent of a path; "" for a top-level name. */
export function parentPath(path: RawPath): RawPath {
  const slash = path.lastIndexOf("/")
  return (slash < 0 ? "" : path.slice(0, slash)) as RawPath
}

export function baseName(path: RawPath): RawPath {
  return path.slice(path.lastIndexOf("/") + 1) as RawPath
}

/** Whether `path` is `parent` or below it. */
export function isWithin(path: string, parent: string): boolean {
  const { length } = parent
  if (length === 0 || path === parent) return true
  if (path.length <= length || path.charCodeAt(length) !== SLASH) return false
  return length < BLOCK ? path.startsWith(parent) : path.slice(0, length) === parent
}

/**
 * Returns the path relative to a folder; undefined if it isn't in it. All paths are in "" and, if
 * absolute, in "/".
 */
export function pathBelow(path: string, folder: string): RawPath | undefined {
  if (folder === "") return path as RawPath
  if (folder === "/") return path.slice(1) as RawPath
  return isWithin(path, folder) ? (path.slice(folder.length + 1) as RawPath) : undefined
}

/** From this length on, V8 compares two slices natively faster than a loop over their characters. */
const BLOCK = 256

/** Returns how many characters at the start are equal. */
export function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let i = 0
  while (i + BLOCK <= most && a.slice(i, i + BLOCK) === b.slice(i, i + BLOCK)) i += BLOCK
  while (i < most && a.charCodeAt(i) === b.charCodeAt(i)) i++
  return i
}

/** Compares in the order of a listing: negative, zero or positive. */
export function comparePaths(a: string, b: string): number {
  const shared = sharedLength(a, b)
  if (shared === a.length || shared === b.length) return a.length - b.length
  const x = a.charCodeAt(shared)
  const y = b.charCodeAt(shared)
  if (x === SLASH) return -1
  return y === SLASH ? 1 : x - y
}

/**
 * Escapes a path for people: UTF-8 stays, control characters and stray bytes become \xNN.
 * @param path raw
 */
export function showPath(path: string): string {
  const bytes = Buffer.from(path, "latin1")
  const text = bytes.toString("utf8")
  if (!text.includes("\ufffd") || Buffer.from(text, "utf8").equals(bytes)) return showText(text)
  return showText(path.replace(/[\x80-\xff]/g, hexEscape))
}

function hexEscape(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16)}`
}
