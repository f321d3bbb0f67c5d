/**
 * Reads the entries of a listing in order: all of them, those from a path on, or one sub-tree.
 * Nodes outside the range are not loaded. For restore, ls, check and find. spec/listing.md.
 */
import type { RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { openNode, rootRef } from "./node-ref.ts"
import type { ListingRoot, NodeRef } from "./node-ref.ts"
import { NODES_AT_ONCE, walkLeaves } from "./ordered-walk.ts"
import type { LoadNodes, Opened } from "./ordered-walk.ts"

export interface ListingRange {
  /** The first path that is wanted; it need not exist. */
  readonly from?: RawPath | undefined
  /** Only this path and what lies below it. */
  readonly within?: RawPath | undefined
  /** Nodes asked for at once, at most. */
  readonly batch?: number | undefined
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
  return walkLeaves({ root: rootRef(root), load, batch: range.batch ?? NODES_AT_ONCE, open })
}
