/**
 * Reads the entries of a listing in order: all, those from a path on, or one sub-tree. Nodes
 * outside the range aren't loaded. Used by restore, ls, check and find. spec/listing.md.
 */
import { isEngineError, type EngineError } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { type ListingRoot, type NodeRef, openNode, rootRef } from "./node-ref.ts"
import { type LoadNodes, NODES_AT_ONCE, type Opened, walkLeaves } from "./ordered-walk.ts"

export interface ListingRange {
  /** The first wanted path. It need not exist. */
  readonly from?: RawPath | undefined
  /** Only this path and paths below it. */
  readonly within?: RawPath | undefined
  /** The most nodes to load at once. */
  readonly batch?: number | undefined
  /** Called for each damaged node, which the walk then skips. Without it, the walk throws. */
  readonly onLost?: ((lost: LostNode) => void) | undefined
}

/** An unreadable part of a listing. */
export interface LostNode {
  /** Path of its first entry; undefined if the whole listing is lost. */
  readonly first: RawPath | undefined
  /** All its entries come before this path; undefined at the end of the listing. */
  readonly upper: RawPath | undefined
  readonly error: EngineError
}

export async function* walkListing(
  root: ListingRoot,
  load: LoadNodes,
  range: ListingRange = {},
): AsyncGenerator<Entry> {
  for await (const entries of walkListingLeaves(root, load, range)) yield* entries
}

/** Yields the same entries one leaf at a time, at a tenth of the cost. */
export function walkListingLeaves(
  root: ListingRoot,
  load: LoadNodes,
  range: ListingRange = {},
): AsyncGenerator<readonly Entry[]> {
  const within = range.within ?? ("" as RawPath)
  const from = range.from !== undefined && comparePaths(range.from, within) > 0 ? range.from : within
  const isBehind = (path: string): boolean => comparePaths(path, within) > 0 && !isWithin(path, within)
  const isWanted = ({ first, upper }: NodeRef): boolean =>
    (upper === undefined || comparePaths(upper, from) > 0) && (first === undefined || !isBehind(first))
  const open = (ref: NodeRef, bytes: Uint8Array): Opened<NodeRef, readonly Entry[]> => {
    const { refs, entries } = openNode(ref, bytes)
    if (refs !== undefined) return { refs: refs.filter(isWanted) }
    return { leaf: entries.filter(({ path }) => comparePaths(path, from) >= 0 && !isBehind(path)) }
  }
  const batch = range.batch ?? NODES_AT_ONCE
  const { onLost } = range
  if (onLost === undefined) return walkLeaves({ root: rootRef(root), load, batch, open })
  const each = loadEach(load)
  return walkLeaves({
    root: rootRef(root),
    load: each.load,
    batch,
    open(ref, bytes) {
      try {
        const error = each.lost.get(bytes)
        if (error !== undefined) throw error
        return open(ref, bytes)
      } catch (error) {
        if (!isEngineError(error) || error.kind !== "corrupt") throw error
        onLost({ first: ref.first, upper: ref.upper, error })
        return { leaf: [] }
      }
    },
  })
}

/** Replaces each node that can't be loaded by an empty array. `lost` has its error. */
export function loadEach(load: LoadNodes): { load: LoadNodes; lost: WeakMap<Uint8Array, EngineError> } {
  const lost = new WeakMap<Uint8Array, EngineError>()
  const loadOne = async (id: ChunkId): Promise<Uint8Array> => {
    try {
      return (await load([id]))[0] as Uint8Array // a load returns one node per id
    } catch (error) {
      if (!isEngineError(error) || error.kind !== "corrupt") throw error
      const none = new Uint8Array(0)
      lost.set(none, error)
      return none
    }
  }
  return {
    lost,
    async load(ids) {
      try {
        return await load(ids)
      } catch (error) {
        if (!isEngineError(error) || error.kind !== "corrupt") throw error
        const nodes: Uint8Array[] = []
        for (const id of ids) nodes.push(await loadOne(id))
        return nodes
      }
    },
  }
}
