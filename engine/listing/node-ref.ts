/**
 * References a listing node that isn't loaded, with everything its parent states about it, and
 * checks a loaded node against that. Builder, walk, look-up and diff all descend through here, so
 * one place refuses hostile trees. spec/listing.md.
 */
import { toHex } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import { decodeListingNode, type Entry, type ListingChild } from "../format/listing-node.ts"

export interface ListingRoot {
  readonly id: ChunkId
  /** 0 if the root is a leaf. */
  readonly level: number
}

export interface NodeRef {
  readonly id: ChunkId
  readonly level: number
  /** Path of the first entry below; undefined for a root, since no parent states it. */
  readonly first: RawPath | undefined
  /** All entries below come before this path. Undefined at the right edge of the tree. */
  readonly upper: RawPath | undefined
  readonly entries: number | undefined
}

export type OpenedNode =
  | { readonly refs: readonly NodeRef[]; readonly entries?: undefined }
  | { readonly entries: readonly Entry[]; readonly refs?: undefined }

export function rootRef(root: ListingRoot): NodeRef {
  return { id: root.id, level: root.level, first: undefined, upper: undefined, entries: undefined }
}

/** The node's name in errors. */
export function nodeName(ref: NodeRef): string {
  return `listing node ${toHex(ref.id.subarray(0, 8))}`
}

/**
 * Decodes and checks the bytes loaded for `ref`. The caller has checked that the bytes have this id.
 * @throws corrupt
 */
export function openNode(ref: NodeRef, bytes: Uint8Array): OpenedNode {
  const node = decodeListingNode(bytes, nodeName(ref))
  if (node.level !== ref.level) throw refuse(ref, `level ${node.level}, expected ${ref.level}`)
  if (node.entries !== undefined) {
    checkRange(ref, {
      count: node.entries.length,
      first: node.entries[0]?.path,
      last: node.entries.at(-1)?.path,
    })
    return { entries: node.entries }
  }
  const { children } = node
  const count = children.reduce((sum, child) => sum + child.entries, 0)
  checkRange(ref, { count, first: children[0]?.first, last: children.at(-1)?.first })
  return { refs: children.map((child, i) => childRef(ref, child, children[i + 1]?.first)) }
}

function childRef(parent: NodeRef, child: ListingChild, next: RawPath | undefined): NodeRef {
  return { ...child, level: parent.level - 1, upper: next ?? parent.upper }
}

export interface NodeRange {
  readonly count: number
  readonly first: RawPath | undefined
  readonly last: RawPath | undefined
}

/** @throws corrupt if the node is not where its parent says */
export function checkRange(ref: NodeRef, { count, first, last }: NodeRange): void {
  if (ref.first === undefined) return
  if (count !== ref.entries) throw refuse(ref, `${count} entries, expected ${ref.entries}`)
  if (first !== ref.first) throw refuse(ref, "its first path differs from the one in its parent")
  if (ref.upper !== undefined && last !== undefined && comparePaths(last, ref.upper) >= 0) {
    throw refuse(ref, "overlaps its neighbour")
  }
}

function refuse(ref: NodeRef, found: string): Error {
  return corrupt("listing-node", nodeName(ref), found)
}
