/**
 * The nodes of a listing: leaves contain entries, inner nodes the ids of nodes one level below.
 * listing/cut.ts decides where they are cut; listing/build.ts and listing/walk.ts build and read trees.
 * spec/listing.md.
 *
 *     leaf  = [0, [entry …]], leaf-writer.ts
 *     inner = [level ≥ 1, [[first path bin, child id bin32, entries below] …]]
 */
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { assert } from "../base/errors.ts"
import { comparePaths, pathBytes, rawPath } from "../base/paths.ts"
import { LeafReader } from "./leaf-reader.ts"
import { LeafWriter } from "./leaf-writer.ts"
import { type Entry, pathFault } from "./listing-entry.ts"
import {
  LISTING_LEVEL_MAX,
  NODE_BYTES_MAX,
  NODE_ENTRIES_MAX,
  PATH_BYTES_MAX,
} from "../base/listing-limits.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { schema, type Schema } from "./schema.ts"

export type { Content, Entry, EntryType, Xattr } from "./listing-entry.ts"

export interface ListingChild {
  /** Path of the first entry below. */
  readonly first: RawPath
  readonly id: ChunkId
  /** Entries below, at least 1. */
  readonly entries: number
}

export type ListingNode =
  | { readonly level: 0; readonly entries: readonly Entry[] }
  | { readonly level: number; readonly children: readonly ListingChild[]; readonly entries?: undefined }

/** @param entries sorted; empty only for an empty listing */
export function encodeLeaf(entries: readonly Entry[]): Bytes {
  const writer = new LeafWriter()
  for (const entry of entries) writer.append(entry)
  return writer.take()
}

export function encodeInner(level: number, children: readonly ListingChild[]): Bytes {
  assert(level >= 1 && level <= LISTING_LEVEL_MAX, `an inner node of level ${level}`)
  assert(
    children.length >= 1 && children.length <= NODE_ENTRIES_MAX,
    `an inner node of ${children.length} children`,
  )
  return encodeCanonical([
    level,
    children.map(({ first, id, entries }): Value => [pathBytes(first), id, entries]),
  ])
}

/** Encoded bytes of one child in an inner node. */
export function innerItemBytes({ first, entries }: ListingChild): number {
  const path = (first.length < 0x100 ? 2 : 3) + first.length
  return 1 + path + 34 + uintBytes(entries)
}

function uintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x100) return 2
  if (value < 0x1_0000) return 3
  return value < 0x1_0000_0000 ? 5 : 9
}

/**
 * @returns a node with ids that are views of `bytes`
 * @throws corrupt "listing-node" or "msgpack"
 */
export function decodeListingNode(bytes: Uint8Array, object: string): ListingNode {
  const s = schema("listing-node", object)
  if (bytes.length > NODE_BYTES_MAX)
    throw s.refuse("node", `${bytes.length} bytes, at most ${NODE_BYTES_MAX} are allowed`)
  if (bytes[0] === 0x92 && bytes[1] === 0)
    return { level: 0, entries: decodeEntries(new LeafReader(bytes, object)) }
  const [level, children] = s.tuple(decodeCanonical(bytes, object), "node", 2) as [Value, Value]
  return {
    level: s.int(level, "level", { min: 1, max: LISTING_LEVEL_MAX }),
    children: readChildren(s, s.array(children, "children", NODE_ENTRIES_MAX)),
  }
}

function decodeEntries(reader: LeafReader): Entry[] {
  const entries: Entry[] = []
  while (reader.left > 0) entries.push(reader.next())
  return entries
}

function readChildren(s: Schema, values: readonly Value[]): ListingChild[] {
  if (values.length === 0) throw s.refuse("children", "none, at least one is needed")
  let previous: RawPath | undefined
  let below = 0
  return values.map((value, i) => {
    const [path, id, entries] = s.tuple(value, `child ${i}`, 3) as [Value, Value, Value]
    const first = rawPath(s.bytesUpTo(path, `child ${i} path`, PATH_BYTES_MAX))
    const fault = pathFault(first)
    if (fault !== undefined) throw s.refuse(`child ${i}`, fault)
    if (previous !== undefined && comparePaths(previous, first) >= 0) {
      throw s.refuse(`child ${i}`, "not in the order of a listing")
    }
    previous = first
    const child: ListingChild = {
      first,
      id: s.bytes(id, `child ${i} id`, 32) as ChunkId,
      entries: s.int(entries, `child ${i} entries`, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    }
    below += child.entries
    if (!Number.isSafeInteger(below)) throw s.refuse("children", "more entries below than can be counted")
    return child
  })
}
