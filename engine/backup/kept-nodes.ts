/**
 * Keeps the cache of listing nodes to the size of the series' bases: every commit adds a few nodes, and
 * now and then those of older listings go. Without a node that it misses later, a run reads every file
 * once more, so a cache that is trimmed too far costs time and nothing else.
 */
import { toHex } from "../base/bytes.ts"
import type { ChunkId } from "../base/ids.ts"
import type { NodeCache } from "../home/node-cache.ts"
import { openNode, rootRef, type ListingRoot, type NodeRef } from "../listing/node-ref.ts"

/** Trimming looks at every id of the listing's tree: once in so many commits. */
const COMMITS_BETWEEN = 64

export function isTimeToTrim(sequence: number): boolean {
  return sequence % COMMITS_BETWEEN === 0
}

/** Keeps the nodes of these listings. Returns how many others were removed. Only inner nodes are opened. */
export function trimNodes(nodes: NodeCache, roots: readonly ListingRoot[]): number {
  const kept = new Map<string, ChunkId>()
  const row: NodeRef[] = roots.map(rootRef)
  for (let ref = row.pop(); ref !== undefined; ref = row.pop()) {
    const key = toHex(ref.id)
    if (kept.has(key)) continue
    kept.set(key, ref.id)
    const bytes = ref.level === 0 ? undefined : nodes.get(ref.id)
    if (bytes !== undefined) row.push(...(openNode(ref, bytes).refs ?? []))
  }
  return nodes.keepOnly(kept.values())
}
