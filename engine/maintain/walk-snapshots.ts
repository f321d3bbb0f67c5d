/**
 * Walks every snapshot's listing, from its root down to the location of every chunk. A node is read once,
 * however many snapshots share it. A node that can't be read is recorded, and the walk continues with the
 * others. spec/check.md.
 */
import { toHex } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { EngineError, isEngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type Digest } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import { decodeChunkListNode } from "../format/chunk-list-node.ts"
import type { Entry, SnapshotEntry } from "../format/entry.ts"
import type { Entry as ListingEntry } from "../format/listing-entry.ts"
import { packName } from "../format/names.ts"
import type { ChunkLocation } from "../chunk-index/chunk-index.ts"
import { checkRange, openNode, rootRef, type NodeRef } from "../listing/node-ref.ts"
import { createChunkReader, type ChunkReader } from "../packs/chunk-reader.ts"
import type { Repository } from "../session/repository.ts"
import type { CheckObserver } from "./check-request.ts"
import type { Findings } from "./findings.ts"
import type { Inventory } from "./inventory.ts"
import type { NamedPacks } from "./named-packs.ts"
import type { GraphNode, NodeGraph, Suspect } from "./node-graph.ts"

export type CheckedSnapshot = SnapshotEntry & { readonly digest: Digest }

export interface SnapshotWalk {
  readonly repository: Repository
  readonly inventory: Inventory
  readonly named: NamedPacks
  readonly findings: Findings
  readonly graph: NodeGraph
  readonly observe: CheckObserver
}

interface Walking extends SnapshotWalk {
  readonly reader: ChunkReader
  readonly pending: ReadonlySet<Digest>
  readonly suspects: Suspect[]
}

const NODES_AT_ONCE = 16
/** The object of a finding about content that no pack holds. */
const NO_PACK = "packs"

interface Item {
  readonly node: GraphNode
  /** Of a listing node: the parent's reference. */
  readonly ref: NodeRef | undefined
  /** Of a chunk-list node: its size in bytes according to the parent or the file's entry. */
  readonly size: number
}

/** @returns the roots of the snapshots, and content to be judged when all packs are known */
export async function walkSnapshots(
  walk: SnapshotWalk,
  snapshots: readonly CheckedSnapshot[],
): Promise<{ roots: Map<Digest, GraphNode>; suspects: readonly Suspect[] }> {
  const { repository, graph, observe } = walk
  const pending = new Set(repository.journal.pending().map(({ record }) => record.name))
  const walking: Walking = { ...walk, reader: createChunkReader(repository), pending, suspects: [] }
  const roots = new Map<Digest, GraphNode>()
  for (const [done, { digest, root }] of snapshots.entries()) {
    const counted = { snapshotsDone: done, snapshotsTotal: snapshots.length }
    const current = `snapshot ${digest.slice(0, 8)}`
    observe({ type: "progress", bytesDone: 0, bytesTotal: 0, ...counted, current })
    const { node, isNew } = graph.node("listing", root.id)
    roots.set(digest, node)
    const item: Item = { node, ref: rootRef(root), size: 0 }
    if (isNew) await walkTree(walking, item)
    else checkEdge(walking, item)
  }
  return { roots, suspects: walking.suspects }
}

/** Walks level by level, because the nodes of a level are mostly adjacent in their blocks. */
async function walkTree(walking: Walking, top: Item): Promise<void> {
  const edges: Item[] = []
  for (let level = [top]; level.length > 0;) {
    const below: Item[][] = []
    await forEachBounded(level.entries(), NODES_AT_ONCE, async ([position, item]) => {
      const children = await visit(walking, item)
      below[position] = children.filter(({ isNew }) => isNew)
      for (const { isNew, node, ref, size } of children) {
        item.node.children.push(node)
        if (!isNew || node.kind === "chunk-list") edges.push({ node, ref, size })
      }
    })
    level = below.flat()
  }
  for (const edge of edges) checkEdge(walking, edge)
}

interface Child extends Item {
  readonly isNew: boolean
}

async function visit(walking: Walking, item: Item): Promise<Child[]> {
  const { node } = item
  const bytes = await readNode(walking, node)
  if (bytes === undefined) return []
  try {
    const found = examine(walking, item, bytes)
    const isWhole = found.missing === 0
    if (!isWhole) await walking.named.refreshAll()
    const again = isWhole ? found : examine(walking, item, bytes)
    node.units = [...node.units, ...again.units]
    walking.suspects.push(...again.suspects)
    if (again.missing > 0) missing(walking, node)
    return again.children.map(({ kind, id, ref, size }) => ({ ...walking.graph.node(kind, id), ref, size }))
  } catch (error) {
    if (!isEngineError(error) || error.kind !== "corrupt") throw error
    wrong(walking, node, error.message)
    return []
  }
}

/** @returns undefined if the node can't be read, which is recorded */
async function readNode(
  { repository, reader, findings, named, graph, ...walking }: Walking,
  node: GraphNode,
): Promise<Uint8Array | undefined> {
  for (let tried = false; ;) {
    const location = placeOf({ repository, named, ...walking }, node.id)
    if (location === undefined) {
      if (tried) {
        missing({ findings }, node)
        return undefined
      }
      tried = true
      await named.refreshAll()
      continue
    }
    const { name } = location.pack
    try {
      const [bytes] = await reader.read(node.kind, [node.id])
      node.units.push(graph.unit(location))
      if (!named.packs.has(name)) walking.suspects.push({ node, id: node.id, pack: name })
      return bytes
    } catch (error) {
      if (!isEngineError(error) || error.kind !== "corrupt") throw error
      if (await named.refreshPack(name)) continue
      loseFrame(findings, location, error)
      node.units.push(graph.unit(location))
      return undefined
    }
  }
}

function loseFrame(findings: Findings, { pack, frame }: ChunkLocation, error: EngineError): void {
  const known = findings.packs.get(pack.name)?.frames
  if (known === "all" || known?.has(frame.number) === true) return
  const object = packName(pack.name)
  const fault = error.message.replace(`${object}: `, "")
  findings.addPack(pack.name, fault, [frame.number])
}

/** Ignores an index row of a pack that is neither named nor stored: another pack may hold the chunk. */
function placeOf(
  { repository, named, inventory, pending }: Pick<Walking, "repository" | "named" | "inventory" | "pending">,
  id: ChunkId,
): ChunkLocation | undefined {
  for (;;) {
    const location = repository.index.locate(id)
    if (location === undefined) return undefined
    const { name } = location.pack
    if (named.packs.has(name) || inventory.packs.has(name) || pending.has(name)) return location
    repository.index.removePack(name)
  }
}

interface Examined {
  readonly units: number[]
  readonly suspects: Suspect[]
  readonly children: { kind: GraphNode["kind"]; id: ChunkId; ref: NodeRef | undefined; size: number }[]
  /** Chunks that no known pack holds. */
  missing: number
}

function examine(walking: Walking, { node, ref }: Item, bytes: Uint8Array): Examined {
  const found: Examined = { units: [], suspects: [], children: [], missing: 0 }
  if (node.kind === "chunk-list") examineList(walking, node, bytes, found)
  else if (ref !== undefined) {
    const { refs, entries } = openNode(ref, bytes)
    node.level = ref.level
    node.range = rangeOf(refs, entries)
    for (const child of refs ?? [])
      found.children.push({ kind: "listing", id: child.id, ref: child, size: 0 })
    for (const entry of entries ?? []) examineEntry(walking, node, entry, found)
  }
  return found
}

function rangeOf(
  refs: readonly NodeRef[] | undefined,
  entries: readonly ListingEntry[] | undefined,
): GraphNode["range"] {
  if (entries !== undefined)
    return { count: entries.length, first: entries[0]?.path, last: entries.at(-1)?.path }
  const count = (refs ?? []).reduce((sum, child) => sum + (child.entries ?? 0), 0)
  return { count, first: refs?.[0]?.first, last: refs?.at(-1)?.first }
}

function examineEntry(
  walking: Walking,
  node: GraphNode,
  { path, size, content }: ListingEntry,
  found: Examined,
): void {
  if (content === null) return
  if (content.chunks === undefined) {
    found.children.push({ kind: "chunk-list", id: content.list, ref: undefined, size })
    return
  }
  const bytes = placeAll(walking, node, content.chunks, found)
  if (bytes !== undefined && bytes !== size)
    wrong(walking, node, `${showPath(path)} has ${bytes} bytes in its chunks, expected ${size}`)
}

function examineList(walking: Walking, node: GraphNode, bytes: Uint8Array, found: Examined): void {
  const { level, ids, sizes } = decodeChunkListNode(bytes, `chunk-list node ${toHex(node.id.subarray(0, 8))}`)
  node.level = level
  if (level === 0) {
    node.size = placeAll(walking, node, ids, found)
    return
  }
  node.size = sizes.reduce((sum, size) => sum + size, 0)
  sizes.forEach((size, i) => {
    const id = ids.subarray(i * CHUNK_ID_BYTES, (i + 1) * CHUNK_ID_BYTES) as ChunkId
    found.children.push({ kind: "chunk-list", id, ref: undefined, size })
  })
}

/** @returns the size of the chunks in bytes; undefined if some are missing */
function placeAll(walking: Walking, node: GraphNode, ids: Uint8Array, found: Examined): number | undefined {
  let bytes = 0
  let absent = 0
  for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
    const id = ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId
    const location = placeOf(walking, id)
    if (location === undefined) {
      absent++
      continue
    }
    bytes += location.length
    const unit = walking.graph.unit(location)
    if (found.units.at(-1) !== unit && !found.units.includes(unit)) found.units.push(unit)
    if (!walking.named.packs.has(location.pack.name))
      found.suspects.push({ node, id: id.slice() as ChunkId, pack: location.pack.name })
  }
  found.missing += absent
  return absent === 0 ? bytes : undefined
}

/** Checks a parent's reference against a node that was read for another parent. */
function checkEdge(walking: Walking, { node, ref, size }: Item): void {
  try {
    if (ref !== undefined && node.range !== undefined) {
      if (node.level !== ref.level) wrong(walking, node, "a listing node is used on two levels")
      checkRange(ref, node.range)
    }
    if (ref === undefined && node.size !== undefined && node.size !== size)
      wrong(walking, node, `a chunk list describes ${node.size} bytes, expected ${size}`)
  } catch (error) {
    if (!isEngineError(error)) throw error
    wrong(walking, node, error.message)
  }
}

/** Reports a node that is authentic but wrong, which only a faulty program writes. Names its pack. */
function wrong(
  { repository, findings }: Pick<Walking, "repository" | "findings">,
  node: GraphNode,
  found: string,
): void {
  const location = repository.index.locate(node.id)
  node.faults.add(findings.add(location === undefined ? NO_PACK : packName(location.pack.name), found))
}

function missing({ findings }: Pick<Walking, "findings">, node: GraphNode): void {
  node.faults.add(findings.add(NO_PACK, "content needed by snapshots is in no pack known to the log"))
}

export function isSnapshot<T extends Entry>(entry: T): entry is T & SnapshotEntry {
  return entry.type === "snapshot"
}
