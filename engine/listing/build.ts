/**
 * Builds the listing of a new snapshot from a stream of changes to an older listing, or from nothing.
 * Unchanged nodes are adopted without reading them. Every other node is emitted when it is complete, so one
 * open node per level is in memory. The tree equals one built from all entries at once. spec/listing.md.
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { listingCuts } from "./cut.ts"
import { type ListingRoot, type NodeRef, openNode, rootRef } from "./node-ref.ts"
import { type OldItem, OldTree } from "./old-tree.ts"
import { TreeWriter } from "./tree-writer.ts"

export interface ListingBuilderOptions {
  readonly cutKey: Uint8Array
  /** Chunk id of kind "listing". */
  identify(node: Bytes): ChunkId
  /**
   * Called once for every node built, children before parents. Includes nodes that were rebuilt
   * without a change: the caller deduplicates by id.
   */
  emit(id: ChunkId, node: Bytes): void
  readonly old?: OldListing | undefined
}

export interface OldListing {
  readonly root: ChunkId
  readonly level: number
  /** Returns the node's bytes, already checked against its id. */
  load(id: ChunkId): Uint8Array
}

export interface BuiltListing {
  readonly root: ListingRoot
  readonly entries: number
  readonly nodesEmitted: number
}

/**
 * Changes come in listing order. For one path, `removeTree` comes first; entries at and below that
 * path may follow.
 */
export interface ListingBuilder {
  /** Adds the entry or replaces the old entry of this path. */
  put(entry: Entry): void
  /** Removes one entry. Does nothing if the entry doesn't exist. */
  remove(path: RawPath): void
  /** Removes the old entry and all old entries below it. Does nothing if there are none. */
  removeTree(path: RawPath): void
  finish(): BuiltListing
}

export function listingBuilder(options: ListingBuilderOptions): ListingBuilder {
  const { old } = options
  const writer = new TreeWriter({
    cuts: listingCuts(options.cutKey),
    identify: (node) => options.identify(node),
    emit: (id, node) => options.emit(id, node),
  })
  const oldRoot: ListingRoot | undefined = old && { id: old.root, level: old.level }
  const oldTree = old && new OldTree({ id: old.root, level: old.level }, (id) => old.load(id))
  let last: RawPath | undefined
  let lastWasTree = false

  const goTo = (path: RawPath, isTree: boolean): void => {
    if (last !== undefined) {
      const order = comparePaths(last, path)
      assert(order < 0 || (order === 0 && lastWasTree && !isTree), "changes come in the order of a listing")
    }
    last = path
    lastWasTree = isTree
    if (oldTree !== undefined) copyUpTo(oldTree, writer, path)
  }

  return {
    put(entry) {
      goTo(entry.path, false)
      if (oldTree !== undefined) dropEntry(oldTree, entry.path)
      writer.add(entry)
    },
    remove(path) {
      goTo(path, false)
      if (oldTree !== undefined) dropEntry(oldTree, path)
    },
    removeTree(path) {
      goTo(path, true)
      if (oldTree !== undefined) dropTree(oldTree, path)
    },
    finish() {
      if (last === undefined && old !== undefined && oldRoot !== undefined) {
        return { root: oldRoot, entries: countEntries(oldRoot, old), nodesEmitted: 0 }
      }
      if (oldTree !== undefined) copyUpTo(oldTree, writer, undefined)
      const { root, entries, adopted } = writer.finish()
      const top = adopted && old !== undefined ? withoutChains({ ...rootRef(root), entries }, old) : root
      return { root: top, entries, nodesEmitted: writer.emitted }
    },
  }
}

/** Copies all old entries before `bound`, or all that are left. */
function copyUpTo(old: OldTree, writer: TreeWriter, bound: RawPath | undefined): void {
  for (;;) {
    const item = old.current()
    if (item === undefined || !comesBefore(item, bound)) return
    if (item.level === undefined) {
      old.skip()
      writer.addEncoded(item.path, item.afterSuffix)
    } else if (endsBefore(item, bound) && adopt(writer, item)) {
      old.skip()
    } else {
      old.open(item)
    }
  }
}

function comesBefore(item: OldItem, bound: RawPath | undefined): boolean {
  if (bound === undefined) return true
  const path = item.level === undefined ? item.path : item.first
  return path === undefined || comparePaths(path, bound) < 0
}

/**
 * Whether the node can be adopted. The last node of a level ends at the end of the listing, not at
 * a cut, so it can be adopted only if nothing follows.
 */
function endsBefore(ref: NodeRef, bound: RawPath | undefined): boolean {
  if (bound === undefined) return true
  return ref.upper !== undefined && comparePaths(ref.upper, bound) <= 0
}

function adopt(writer: TreeWriter, { first, id, entries, level }: NodeRef): boolean {
  if (first === undefined || entries === undefined) return false
  return writer.adopt({ first, id, entries }, level)
}

/** Drops the old entry of `path`. The old tree is at `path` or past it. */
function dropEntry(old: OldTree, path: RawPath): void {
  for (;;) {
    const item = old.current()
    if (item === undefined) return
    if (item.level === undefined) {
      if (item.path === path) old.skip()
      return
    }
    if (item.first !== path) return
    old.open(item)
  }
}

function dropTree(old: OldTree, path: RawPath): void {
  if (path === "") return old.clear()
  for (;;) {
    const item = old.current()
    if (item === undefined) return
    const start = item.level === undefined ? item.path : item.first
    if (start === undefined || !isWithin(start, path)) return
    // If both ends of a range are in a sub-tree, so is everything between them.
    const whole = item.level === undefined || (item.upper !== undefined && isWithin(item.upper, path))
    if (whole) old.skip()
    else old.open(item)
  }
}

function countEntries(root: ListingRoot, old: OldListing): number {
  const { refs, entries } = openNode(rootRef(root), old.load(root.id))
  return refs === undefined ? entries.length : refs.reduce((sum, ref) => sum + (ref.entries ?? 0), 0)
}

/**
 * Descends to the real root. A root is a leaf or has several children; an adopted node may have only one.
 */
function withoutChains(top: NodeRef, old: OldListing): ListingRoot {
  let ref = top
  while (ref.level > 0) {
    const { refs } = openNode(ref, old.load(ref.id))
    const only = refs?.[0]
    if (only === undefined || (refs?.length ?? 0) > 1) break
    ref = only
  }
  return { id: ref.id, level: ref.level }
}
