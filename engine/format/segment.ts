/**
 * The body of an index segment: the merged directories of many packs, so that an empty machine
 * learns them with few requests. Sealed as object kind 2; believed only when an accepted chain entry
 * names its digest. spec/segment.md.
 *
 *     {packs: [pack record with directory …], supersedes: [digest …], v: 0}
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import { decodeCanonical, encodeCanonical } from "./msgpack.ts"
import {
  checkAscending,
  digestSetValue,
  packValue,
  readDigestSet,
  readPack,
  sortedPacks,
} from "./pack-record.ts"
import type { PackRecord } from "./pack.ts"
import { schema } from "./schema.ts"

const SEGMENT_VERSION = 0
const SEGMENT_PACKS_MAX = 1_000_000

export interface SegmentPack {
  readonly record: PackRecord
  /** From `encodeDirectory`; decoded where it is used. */
  readonly directory: Bytes
}

export interface IndexSegment {
  /** Sorted by name; encoding sorts. */
  readonly packs: readonly SegmentPack[]
  /** Older segments with packs that are all in this one. Sorted; encoding sorts. */
  readonly supersedes: readonly Digest[]
}

export function encodeSegment(segment: IndexSegment): Bytes {
  assert(segment.packs.length > 0, "an index segment without packs")
  return encodeCanonical({
    v: SEGMENT_VERSION,
    packs: sortedPacks(segment.packs).map(packValue),
    supersedes: digestSetValue(segment.supersedes),
  })
}

/**
 * @returns a segment with directories that are views of `bytes`
 * @throws corrupt "segment"
 */
export function decodeSegment(bytes: Uint8Array, object: string): IndexSegment {
  const s = schema("segment", object)
  const map = s.map(decodeCanonical(bytes, object), "segment", ["v", "packs", "supersedes"])
  s.int(map.v, "v", { min: SEGMENT_VERSION, max: SEGMENT_VERSION })
  const packs = s.array(map.packs, "packs", SEGMENT_PACKS_MAX).map((value, i): SegmentPack => {
    const { record, directory } = readPack(s, value, `pack ${i}`)
    if (directory === null) throw s.refuse(`pack ${i}`, "without its directory")
    return { record, directory }
  })
  if (packs.length === 0) throw s.refuse("packs", "none, at least one is needed")
  checkAscending(
    s,
    packs.map((pack) => pack.record.name),
    "packs",
  )
  return { packs, supersedes: readDigestSet(s, map.supersedes, "supersedes") }
}
