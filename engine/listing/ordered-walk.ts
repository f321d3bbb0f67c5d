/**
 * Walks the leaves of a tree in order and loads many nodes at once, so a remote store needs few
 * round trips. Listings and chunk lists both use it.
 */
import type { ChunkId } from "../base/ids.ts"

/**
 * Returns the nodes' bytes in the order of `ids`, each checked against its id. An implementation
 * reads them from a cache, an open block, or the store.
 */
export type LoadNodes = (ids: readonly ChunkId[]) => Promise<readonly Uint8Array[]>

export type Opened<Ref, Leaf> =
  | { readonly refs: readonly Ref[]; readonly leaf?: undefined }
  | { readonly leaf: Leaf; readonly refs?: undefined }

export interface OrderedTree<Ref, Leaf> {
  readonly root: Ref
  readonly load: LoadNodes
  /** The most nodes to load at once, and the most leaves in memory. */
  readonly batch: number
  /** Checks and decodes a node. Omits children that aren't wanted. */
  open(ref: Ref, bytes: Uint8Array): Opened<Ref, Leaf>
}

export const NODES_AT_ONCE = 64

type Waiting<Ref, Leaf> = { readonly ref: Ref } | { readonly leaf: Leaf }

/** Yields each leaf once, in order. */
export async function* walkLeaves<Ref extends { readonly id: ChunkId }, Leaf>(
  tree: OrderedTree<Ref, Leaf>,
): AsyncGenerator<Leaf> {
  /** Nodes to load, and leaves that wait for nodes before them. The next one is last. */
  const row: Waiting<Ref, Leaf>[] = [{ ref: tree.root }]
  for (;;) {
    const next = row.at(-1)
    if (next === undefined) return
    if ("leaf" in next) {
      row.pop()
      yield next.leaf
      continue
    }
    const window = row.splice(-tree.batch)
    const refs = window.flatMap((item) => ("leaf" in item ? [] : [item.ref]))
    const nodes = await loadAll(tree.load, refs)
    let at = 0
    for (const item of window) {
      if ("leaf" in item) {
        row.push(item)
        continue
      }
      const opened = tree.open(item.ref, nodes[at++] as Uint8Array)
      if (opened.refs === undefined) row.push({ leaf: opened.leaf })
      else for (const ref of opened.refs.toReversed()) row.push({ ref })
    }
  }
}

export async function loadAll(
  load: LoadNodes,
  refs: readonly { readonly id: ChunkId }[],
): Promise<readonly Uint8Array[]> {
  const nodes = await load(refs.map((ref) => ref.id))
  if (nodes.length !== refs.length) throw new Error(`bug: ${nodes.length} nodes for ${refs.length} ids`)
  return nodes
}
