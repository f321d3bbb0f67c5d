/**
 * Goes through the leaves of a tree in order, asking for many nodes at once, so that a remote store
 * sees few round trips. Listings and chunk lists are both read through here.
 */
import type { ChunkId } from "../base/ids.ts"

/**
 * The bytes of nodes, in the order asked for, each already checked against its id. An implementation
 * takes them from a cache, from a block that it has open, or from the store.
 */
export type LoadNodes = (ids: readonly ChunkId[]) => Promise<readonly Uint8Array[]>

export type Opened<Ref, Leaf> =
  | { readonly refs: readonly Ref[]; readonly leaf?: undefined }
  | { readonly leaf: Leaf; readonly refs?: undefined }

export interface OrderedTree<Ref, Leaf> {
  readonly root: Ref
  readonly load: LoadNodes
  /** Nodes asked for at once, at most; also how many leaves are held at once. */
  readonly batch: number
  /** Checks and decodes a node; children that are not wanted are left out. */
  open(ref: Ref, bytes: Uint8Array): Opened<Ref, Leaf>
}

export const NODES_AT_ONCE = 64

type Waiting<Ref, Leaf> = { readonly ref: Ref } | { readonly leaf: Leaf }

/** Each leaf once, in order. */
export async function* walkLeaves<Ref extends { readonly id: ChunkId }, Leaf>(
  tree: OrderedTree<Ref, Leaf>,
): AsyncGenerator<Leaf> {
  /** The next one last: nodes that wait to be loaded, and leaves that wait for nodes before them. */
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
