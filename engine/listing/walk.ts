/**
 * Reads the entries of a listing in order: all of them, those from a path on, or one sub-tree.
 * Nodes outside the range are not loaded. For restore, ls, check and find. spec/listing.md.
 */
import { isEngineError, type EngineError } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { type ListingRoot, type NodeRef, openNode, rootRef } from "./node-ref.ts"
import { type LoadNodes, NODES_AT_ONCE, type Opened, walkLeaves } from "./ordered-walk.ts"

export interface ListingRange {
  /** The first path that is wanted; it need not exist. */
  readonly from?: RawPath | undefined
  /** Only this path and what lies below it. */
  readonly within?: RawPath | undefined
  /** Nodes asked for at once, at most. */
  readonly batch?: number | undefined
  /** Called for a node that is damaged, and the walk goes on beside it; without it, the walk ends. */
  readonly onLost?: ((lost: LostNode) => void) | undefined
}

/** A part of a listing that nobody can read. */
export interface LostNode {
  /** Of its first entry; undefined when all is lost. */
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

/** The same entries, as many at once as a leaf has: a tenth of the cost for whoever wants them all. */
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

/** Nodes that can't be loaded come out as empty arrays, which `lost` explains. */
export function loadEach(load: LoadNodes): { load: LoadNodes; lost: WeakMap<Uint8Array, EngineError> } {
  const lost = new WeakMap<Uint8Array, EngineError>()
  const loadOne = async (id: ChunkId): Promise<Uint8Array> => {
    try {
      return (await load([id]))[0] as Uint8Array // a load gives a node for each id
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
