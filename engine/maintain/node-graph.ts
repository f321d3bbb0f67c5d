/**
 * What the walk over all snapshots keeps of each listing and chunk-list node: what is below it and which
 * frames it needs. A node that many snapshots share is here once. So damage found anywhere is attributed to
 * every snapshot that it hits without another read or request.
 */
import { toHex } from "../base/bytes.ts"
import type { ChunkId, Digest } from "../base/ids.ts"
import type { NodeRange } from "../listing/node-ref.ts"
import type { ChunkIndex, ChunkLocation } from "../chunk-index/chunk-index.ts"
import type { Finding, Findings, PackDamage } from "./findings.ts"
import type { NamedPacks } from "./named-packs.ts"

export type NodeKind = "listing" | "chunk-list"

export interface GraphNode {
  readonly id: ChunkId
  readonly kind: NodeKind
  readonly children: GraphNode[]
  /** Frames that hold the node itself, or content that it lists. */
  units: number[]
  readonly faults: Set<Finding>
  /** Of a listing node, and of any node that was read. */
  level: number | undefined
  range: NodeRange | undefined
  /** Size of the content below a chunk-list node. */
  size: number | undefined
}

export interface NodeGraph {
  /** Returns the node, and whether it is new. */
  node(kind: NodeKind, id: ChunkId): { node: GraphNode; isNew: boolean }
  unit(location: ChunkLocation): number
  /** Returns all damage at or below a node. */
  damageBelow(node: GraphNode, packs: ReadonlyMap<Digest, PackDamage>): ReadonlySet<Finding>
}

/** Content in stored packs that no entry of the log names. */
export interface Suspect {
  readonly node: GraphNode
  readonly id: ChunkId
  readonly pack: Digest
}

export function createNodeGraph(): NodeGraph {
  const nodes = new Map<string, GraphNode>()
  const unitsOf = new Map<Digest, Map<number, number>>()
  const places: { readonly pack: Digest; readonly frame: number }[] = []
  let last = -1
  return {
    node(kind, id) {
      const key = `${kind} ${toHex(id)}`
      const known = nodes.get(key)
      if (known !== undefined) return { node: known, isNew: false }
      const node: GraphNode = {
        id: id.slice() as ChunkId, // a view would keep its whole block alive
        kind,
        children: [],
        units: [],
        faults: new Set(),
        level: undefined,
        range: undefined,
        size: undefined,
      }
      nodes.set(key, node)
      return { node, isNew: true }
    },
    unit({ pack, frame }) {
      const before = places[last]
      if (before?.frame === frame.number && before.pack === pack.name) return last // chunks come in runs
      const frames = unitsOf.get(pack.name) ?? new Map<number, number>()
      unitsOf.set(pack.name, frames)
      last = frames.get(frame.number) ?? places.length
      if (last === places.length) {
        frames.set(frame.number, last)
        places.push({ pack: pack.name, frame: frame.number })
      }
      return last
    },
    damageBelow: (node, packs) => damageBelow(node, { packs, places, known: new Map() }),
  }
}

interface Leading {
  readonly packs: ReadonlyMap<Digest, PackDamage>
  readonly places: readonly { readonly pack: Digest; readonly frame: number }[]
  readonly known: Map<GraphNode, ReadonlySet<Finding>>
}

function damageBelow(node: GraphNode, leading: Leading): ReadonlySet<Finding> {
  const { packs, places, known } = leading
  const before = known.get(node)
  if (before !== undefined) return before
  const found = new Set(node.faults)
  for (const unit of node.units) {
    const place = places[unit]
    const damage = place === undefined ? undefined : packs.get(place.pack)
    if (damage !== undefined && (damage.frames === "all" || damage.frames.has(place?.frame ?? -1)))
      found.add(damage.finding)
  }
  for (const child of node.children) for (const finding of damageBelow(child, leading)) found.add(finding)
  known.set(node, found)
  return found
}

export function hurtSnapshots(
  graph: NodeGraph,
  roots: ReadonlyMap<Digest, GraphNode>,
  findings: Findings,
): void {
  if (findings.all.size === 0) return
  for (const [snapshot, root] of roots) {
    for (const finding of graph.damageBelow(root, findings.packs)) finding.snapshots.add(snapshot)
  }
}

/**
 * Judges content whose first known pack is in the store but not in the log. This device finds it; another one
 * does only if a named pack holds it too.
 */
export function judgeSuspects(
  suspects: readonly Suspect[],
  { index, named, findings }: { index: ChunkIndex; named: NamedPacks; findings: Findings },
): void {
  if (suspects.length === 0) return
  const wanted = new Set(suspects.map(({ id }) => toHex(id)))
  for (const name of named.packs.keys()) for (const id of index.idsOfPack(name)) wanted.delete(toHex(id))
  for (const { node, id, pack } of suspects) {
    if (!wanted.has(toHex(id))) continue
    findings.addPack(pack, "unreferenced by the log: other devices cannot find its content", [])
    const damage = findings.packs.get(pack)
    if (damage !== undefined) node.faults.add(damage.finding)
  }
}
