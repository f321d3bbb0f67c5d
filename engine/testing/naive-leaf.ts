/**
 * The naive twin of the leaf codec in format/: spec/listing.md over whole values, through
 * `encodeCanonical` and `decodeCanonical`. Slow, but easy to compare with the page.
 */
import { equalBytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, sharedLength } from "../base/paths.ts"
import { CAPTURES, entryFault, pathFault } from "../format/listing-entry.ts"
import type { Entry } from "../format/listing-node.ts"
import { decodeCanonical, encodeCanonical, type Value } from "../format/msgpack.ts"
import { decodedOrRefused } from "./codec-contract.ts"

const TYPES = ["file", "directory", "symlink", "fifo", "character-device", "block-device"]
const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"))

/** Returns the value of the grammar in spec/listing.md. */
export function leafValue(entries: readonly Entry[]): Value[] {
  return entries.map((entry, i) => {
    const shared = i === 0 ? 0 : sharedLength(entries[i - 1]?.path ?? "", entry.path)
    const extras: Record<string, Value> = {}
    if (entry.device !== null) extras["device"] = [entry.device.major, entry.device.minor]
    if (entry.hardLink !== null) extras["hardLink"] = latin1(entry.hardLink)
    if (entry.linkTarget !== null) extras["linkTarget"] = latin1(entry.linkTarget)
    if (entry.sparse) extras["sparse"] = true
    if (entry.capture !== "plain") extras["capture"] = CAPTURES.indexOf(entry.capture)
    if (entry.xattrs.length > 0) {
      extras["xattrs"] = entry.xattrs.map(({ name, value }): Value => [latin1(name), value])
    }
    const { content } = entry
    return [
      shared,
      latin1(entry.path.slice(shared)),
      TYPES.indexOf(entry.type),
      entry.mode,
      entry.mtimeNs,
      entry.uid,
      entry.gid,
      entry.user,
      entry.group,
      entry.size,
      content === null ? null : [content.fileClass, content.chunks ?? [content.list]],
      Object.keys(extras).length === 0 ? null : extras,
    ]
  })
}

export function naiveLeaf(rows: readonly Value[]): Uint8Array {
  return encodeCanonical([0, rows])
}

/** Whether the grammar and the rules of an entry allow the bytes. */
export function naiveAccepts(bytes: Uint8Array): boolean {
  const value = decodedOrRefused(
    { encode: encodeCanonical, decode: (of) => decodeCanonical(of, "node") },
    bytes,
  )
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== 0 || !Array.isArray(value[1])) return false
  const entries: Entry[] = []
  for (const row of value[1] as Value[]) {
    const entry = naiveEntry(row, entries.at(-1)?.path ?? "")
    if (entry === undefined || pathFault(entry.path) !== undefined || entryFault(entry) !== undefined)
      return false
    const previous = entries.at(-1)
    if (previous !== undefined && comparePaths(previous.path, entry.path) >= 0) return false
    entries.push(entry)
  }
  return entries.length <= 1024 && equalBytes(naiveLeaf(leafValue(entries)), bytes)
}

function naiveEntry(row: Value, previous: string): Entry | undefined {
  if (!Array.isArray(row) || row.length !== 12) return undefined
  const [shared, suffix, type, mode, mtime, uid, gid, user, group, size, content, extras] = row as Value[]
  const isInt = (value: Value | undefined): boolean => typeof value === "number" && Number.isInteger(value)
  if (![shared, type, mode, uid, gid, size].every(isInt) || !(suffix instanceof Uint8Array)) return undefined
  if (!isInt(mtime) && typeof mtime !== "bigint") return undefined
  if (BigInt.asIntN(64, BigInt(mtime as bigint)) !== BigInt(mtime as bigint)) return undefined
  if (TYPES[type as number] === undefined) return undefined
  if (typeof user !== "string" || typeof group !== "string") return undefined
  if (Buffer.byteLength(user) > 255 || Buffer.byteLength(group) > 255) return undefined
  const found = naiveContent(content)
  const more = naiveExtras(extras)
  if (found === undefined || more === undefined) return undefined
  const path = previous.slice(0, shared as number) + Buffer.from(suffix).toString("latin1")
  return {
    path: path as RawPath,
    type: TYPES[type as number] as Entry["type"],
    mode: mode as number,
    mtimeNs: BigInt(mtime as bigint),
    uid: uid as number,
    gid: gid as number,
    user,
    group,
    size: size as number,
    content: found,
    ...more,
  }
}

function naiveContent(value: Value | undefined): Entry["content"] | undefined {
  if (value === null) return null
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "number") return undefined
  const [fileClass, ids] = value as [number, Value]
  if (ids instanceof Uint8Array) return { fileClass, chunks: new Uint8Array(ids) }
  const list: unknown = Array.isArray(ids) && ids.length === 1 ? ids[0] : undefined
  return list instanceof Uint8Array ? { fileClass, list: list as ChunkId } : undefined
}

type Extras = Pick<Entry, "device" | "hardLink" | "linkTarget" | "sparse" | "capture" | "xattrs">

function naiveExtras(value: Value | undefined): Extras | undefined {
  const map = value === null ? {} : value
  if (typeof map !== "object" || Array.isArray(map) || map instanceof Uint8Array) return undefined
  const { device, hardLink, linkTarget, sparse, capture, xattrs } = map as Record<string, Value | undefined>
  const path = (of: Value | undefined): RawPath | null =>
    of instanceof Uint8Array ? (Buffer.from(of).toString("latin1") as RawPath) : null
  const isPair =
    Array.isArray(device) && device.length === 2 && device.every((part) => typeof part === "number")
  const pair = isPair ? (device as number[]) : undefined
  const list = Array.isArray(xattrs) ? (xattrs as Value[]) : []
  if (
    !list.every((each) => Array.isArray(each) && each.every((part: unknown) => part instanceof Uint8Array))
  ) {
    return undefined
  }
  return {
    device: pair ? { major: pair[0] ?? -1, minor: pair[1] ?? -1 } : null,
    hardLink: path(hardLink),
    linkTarget: path(linkTarget),
    sparse: sparse === true,
    capture: CAPTURES[Number(capture ?? 0)] ?? "plain",
    xattrs: (list as Uint8Array[][]).map(([name, bytes]) => ({
      name: path(name) ?? ("" as RawPath),
      value: new Uint8Array(bytes ?? []),
    })),
  }
}
