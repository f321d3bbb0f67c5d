/** From damage back to the snapshots that it hits, over the graph that the walk has made. No request. */
import { toHex } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import type { Findings } from "./findings.ts"
import type { NamedPacks } from "./named-packs.ts"
import type { GraphNode, NodeGraph } from "./node-graph.ts"
import type { Suspect } from "./walk-snapshots.ts"

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
 * Content whose first known pack is in the store but not in the log. This device finds it; another one
 * does only when a named pack holds it too.
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
