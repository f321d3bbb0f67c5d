/**
 * A node of a listing that is not loaded yet, with all that its parent says about it; and the check
 * of a loaded node against that. Builder, walk, look-up and diff all descend through here, so that a
 * hostile tree is refused in one place. spec/listing.md.
 */
import { toHex } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import { decodeListingNode, type Entry, type ListingChild } from "../format/listing-node.ts"

export interface ListingRoot {
  readonly id: ChunkId
  /** 0 when the root is a leaf. */
  readonly level: number
}

export interface NodeRef {
  readonly id: ChunkId
  readonly level: number
  /** Of the first entry below; undefined for a root, about which nobody says more. */
  readonly first: RawPath | undefined
  /** All entries below come before this path; undefined at the right edge of the tree. */
  readonly upper: RawPath | undefined
  readonly entries: number | undefined
}

export type OpenedNode =
  | { readonly refs: readonly NodeRef[]; readonly entries?: undefined }
  | { readonly entries: readonly Entry[]; readonly refs?: undefined }

export function rootRef(root: ListingRoot): NodeRef {
  return { id: root.id, level: root.level, first: undefined, upper: undefined, entries: undefined }
}

/** What a person calls the node in an error. */
export function nodeName(ref: NodeRef): string {
  return `listing node ${toHex(ref.id.subarray(0, 8))}`
}

/** Decodes what `load` gave for `ref`. The caller's `load` has checked that the bytes have this id. */
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

/** Refuses a node that is not where its parent says it is. */
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
