/**
 * Decides where a listing is cut into nodes. A keyed hash of each path decides, so equal entries
 * give equal nodes whatever changed elsewhere, and nobody without the key can choose the cuts. A
 * cut depends only on the items before it in its node. spec/listing.md.
 */
import { hash } from "node:crypto"

import { assert } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { NODE_BYTES_CUT, NODE_ENTRIES_CUT } from "../base/listing-limits.ts"

// Determines the shape of every listing on disk. Never change.
const LEAF_MASK = 16 - 1
const INNER_MASK = 16 - 1

export interface ListingCuts {
  /** Whether a leaf ends after the entry with this path. */
  afterEntry(path: RawPath): boolean
  /** Whether an inner node of `level` ends after the child with this first path. */
  afterChild(level: number, first: RawPath): boolean
}

export function listingCuts(cutKey: Uint8Array): ListingCuts {
  const firstByte = hmacFirstByte(cutKey)
  return {
    afterEntry: (path) => (firstByte(path, 0) & LEAF_MASK) === 0,
    afterChild: (level, first) => (firstByte(first, level) & INNER_MASK) === 0,
  }
}

const BLOCK_BYTES = 64
const HASH_BYTES = 32

/**
 * Returns the first byte of HMAC-SHA-256 (RFC 2104) over the level, unless it is 0, and the path.
 * It has the low bits of the hash's first u32. Two one-shot hashes with text results cost a third
 * of hashes that return bytes.
 */
function hmacFirstByte(key: Uint8Array): (path: RawPath, level: number) => number {
  assert(key.length <= BLOCK_BYTES, "a key of one block at most")
  let inner = Buffer.alloc(4096)
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES)
  for (let i = 0; i < BLOCK_BYTES; i++) {
    inner[i] = 0x36 ^ (key[i] ?? 0)
    outer[i] = 0x5c ^ (key[i] ?? 0)
  }
  return (path, level) => {
    if (BLOCK_BYTES + 1 + path.length > inner.length) {
      inner = Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.alloc(2 * path.length)])
    }
    inner[BLOCK_BYTES] = level
    const start = BLOCK_BYTES + (level === 0 ? 0 : 1)
    const end = start + inner.write(path, start, "latin1")
    outer.write(hash("sha256", inner.subarray(0, end), "binary"), BLOCK_BYTES, "latin1")
    return hash("sha256", outer, "binary").charCodeAt(0)
  }
}

/** Whether a node of `count` items and `itemBytes` encoded bytes ends regardless of the hash. */
export function isFull(count: number, itemBytes: number): boolean {
  return count >= NODE_ENTRIES_CUT || itemBytes >= NODE_BYTES_CUT
}
