/**
 * Where a listing is cut into nodes: by a keyed hash of single paths, so that the same entries give
 * the same nodes whatever changed elsewhere, and nobody without the key can aim at the cuts.
 * A cut depends only on what lies before it in its node. spec/listing.md.
 */
import type { RawPath } from "../base/ids.ts"
import { chunkHasher } from "../crypto/chunk-id.ts"
import { NODE_BYTES_CUT, NODE_ENTRIES_MAX } from "../format/listing-limits.ts"

// On disk in the shape of every listing. Never change.
const LEAF_MASK = 64 - 1
const INNER_MASK = 32 - 1

export interface ListingCuts {
  /** Whether a leaf ends after the entry of this path. */
  afterEntry(path: RawPath): boolean
  /** Whether an inner node of `level` ends after the child whose first path this is. */
  afterChild(level: number, first: RawPath): boolean
}

export function listingCuts(cutKey: Uint8Array): ListingCuts {
  const hasher = chunkHasher(cutKey)
  let message = Buffer.alloc(1024)

  /** The hash's first byte, which holds the low bits of its first u32. */
  const lowBits = (level: number, path: RawPath): number => {
    if (path.length >= message.length) message = Buffer.alloc(2 * path.length)
    const start = level === 0 ? 0 : 1
    message[0] = level
    const length = start + message.write(path, start, "latin1")
    return hasher.id(message.subarray(0, length))[0] as number
  }

  return {
    afterEntry: (path) => (lowBits(0, path) & LEAF_MASK) === 0,
    afterChild: (level, first) => (lowBits(level, first) & INNER_MASK) === 0,
  }
}

/** Whether a node ends whatever the hash says, with `count` items of `itemBytes` encoded bytes. */
export function isFull(count: number, itemBytes: number): boolean {
  return count >= NODE_ENTRIES_MAX || itemBytes >= NODE_BYTES_CUT
}
