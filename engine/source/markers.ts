/**
 * Marker files, which exclude the content of their folder: CACHEDIR.TAG with its signature (Cache Directory
 * Tagging Specification, bford.info/cachedir), or any file that the user names. spec/files.md.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"

export interface Marker {
  readonly name: RawPath
  /** The file must begin with these raw bytes; with "" it need only exist. */
  readonly header: string
}

export const CACHE_MARKER: Marker = {
  name: "CACHEDIR.TAG" as RawPath,
  header: "Signature: 8a477f597d28d172789f06886806bc55",
}

/**
 * @param text `NAME` or `NAME:header`
 * @throws invalid "bad-marker"
 */
export function parseMarker(text: RawPath): Marker {
  const colon = text.indexOf(":")
  const name = (colon < 0 ? text : text.slice(0, colon)) as RawPath
  if (name === "" || name.includes("/")) {
    throw new EngineError("invalid", "bad-marker", `--exclude-if-present needs a file name, not "${text}"`)
  }
  return { name, header: colon < 0 ? "" : text.slice(colon + 1) }
}

/** Whether the file at this absolute raw path begins with the marker's header; false if it can't be read. */
export function bearsMarker(path: string, marker: Marker): boolean {
  if (marker.header === "") return true
  let descriptor: number | undefined
  try {
    // a FIFO of this name must not block the backup, and a link is not a marker
    descriptor = openSync(fsPath(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    if (!fstatSync(descriptor).isFile()) return false
    const start = Buffer.alloc(marker.header.length)
    const read = readSync(descriptor, start, 0, start.length, 0)
    return start.toString("latin1", 0, read) === marker.header
  } catch {
    return false
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Whether sorted names contain this one. */
export function holdsName(names: readonly RawPath[], name: RawPath): boolean {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = names[middle] ?? ""
    if (found === name) return true
    if (found < name) low = middle + 1
    else high = middle
  }
  return false
}
