/**
 * A tree of nodes with the chunk ids of a large file. It is built when a file is split and read by restore
 * and check. The ids decide the cuts, since they are keyed hashes already. spec/chunk-list.md.
 */
import { type Bytes, concatBytes, toHex } from "../base/bytes.ts"
import { assert, corrupt } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId } from "../base/ids.ts"
import { type LoadNodes, NODES_AT_ONCE, type Opened, walkLeaves } from "./ordered-walk.ts"
import { CHUNK_LIST_IDS_MAX, decodeChunkListNode, encodeChunkListNode } from "../format/chunk-list-node.ts"
import type { Entry } from "../format/listing-entry.ts"

// Determines the shape of every chunk list on disk. Never change.
const CUT_MASK = 32 - 1
/** The shortest node before a cut. Without it, a file of one repeated chunk could make a node for each. */
const IDS_MIN = 8

export interface ChunkListOutput {
  /** Chunk id of kind "chunk-list". */
  identify(node: Bytes): ChunkId
  /** Called for children before parents. The same node may come more than once. */
  emit(id: ChunkId, node: Bytes): void
}

interface Row {
  readonly ids: Bytes
  readonly sizes: ArrayLike<number>
}

/**
 * @param ids 32 bytes per chunk
 * @param sizes bytes of each chunk
 * @returns the root's id
 */
export function buildChunkList(ids: Bytes, sizes: ArrayLike<number>, output: ChunkListOutput): ChunkId {
  assert(ids.length === sizes.length * CHUNK_ID_BYTES && ids.length > 0, "every chunk has an id and a size")
  let row: Row = { ids, sizes }
  for (let level = 0; ; level++) {
    row = nodesOf(row, level, output)
    if (row.sizes.length === 1) return row.ids.slice() as ChunkId
  }
}

/** Cuts a row into nodes and returns the row of their ids and sizes. */
function nodesOf({ ids, sizes }: Row, level: number, output: ChunkListOutput): Row {
  const nodeIds: ChunkId[] = []
  const nodeSizes: number[] = []
  let start = 0
  for (let i = 1; i <= sizes.length; i++) {
    if (i < sizes.length && !isCut(ids, i, i - start)) continue
    const below = Array.from({ length: i - start }, (_, at) => sizes[start + at] ?? 0)
    const part = ids.subarray(start * CHUNK_ID_BYTES, i * CHUNK_ID_BYTES)
    const node = encodeChunkListNode({ level, ids: part, sizes: level === 0 ? [] : below })
    const id = output.identify(node)
    output.emit(id, node)
    nodeIds.push(id)
    nodeSizes.push(below.reduce((sum, size) => sum + size, 0))
    start = i
  }
  return { ids: concatBytes(nodeIds), sizes: nodeSizes }
}

/** Whether a node of `count` ids ends before id `index`. */
function isCut(ids: Uint8Array, index: number, count: number): boolean {
  if (count >= CHUNK_LIST_IDS_MAX) return true
  return count >= IDS_MIN && ((ids[index * CHUNK_ID_BYTES - 1] ?? 0) & CUT_MASK) === 0
}

/** Consecutive chunks of a file. */
export interface ChunkRun {
  /** Offset of the first chunk in the file, in bytes. */
  readonly offset: number
  /** 32 bytes per id. */
  readonly ids: Bytes
}

export interface ChunkListRange {
  /** Start with the run that contains this byte; 0 by default. */
  readonly from?: number | undefined
  /** The most nodes to load at once. */
  readonly batch?: number | undefined
}

interface ListRef {
  readonly id: ChunkId
  readonly offset: number
  /** Undefined for a root: no parent states it. */
  readonly level: number | undefined
  readonly size: number | undefined
}

/** All chunk ids of a file, 32 bytes per chunk, in order. */
export async function idsOf({ content }: Entry, load: LoadNodes): Promise<Uint8Array> {
  if (content === null) return new Uint8Array(0)
  if (content.chunks !== undefined) return content.chunks
  const runs: Uint8Array[] = []
  for await (const run of walkChunkList(content.list, load)) runs.push(run.ids)
  return concatBytes(runs)
}

/**
 * Yields all chunks of a list in order, one run per leaf. The sizes in inner nodes aren't proven:
 * the caller compares the lengths of the chunks with the file's size.
 */
export function walkChunkList(
  root: ChunkId,
  load: LoadNodes,
  range: ChunkListRange = {},
): AsyncGenerator<ChunkRun> {
  const { from = 0, batch = NODES_AT_ONCE } = range
  const top: ListRef = { id: root, offset: 0, level: undefined, size: undefined }
  return walkLeaves<ListRef, ChunkRun>({
    root: top,
    load,
    batch,
    open: (ref, bytes) => openListNode(ref, bytes, from),
  })
}

function openListNode(ref: ListRef, bytes: Uint8Array, from: number): Opened<ListRef, ChunkRun> {
  const name = `chunk-list node ${toHex(ref.id.subarray(0, 8))}`
  const node = decodeChunkListNode(bytes, name)
  const refuse = (found: string): Error => corrupt("chunk-list-node", name, found)
  if (ref.level !== undefined && node.level !== ref.level)
    throw refuse(`level ${node.level}, expected ${ref.level}`)
  if (node.level === 0) return { leaf: { offset: ref.offset, ids: node.ids } }
  const refs: ListRef[] = []
  let offset = ref.offset
  node.sizes.forEach((size, i) => {
    const id = node.ids.subarray(i * CHUNK_ID_BYTES, (i + 1) * CHUNK_ID_BYTES) as ChunkId
    const isLast = i === node.sizes.length - 1
    if (offset + size > from || isLast) refs.push({ id, offset, level: node.level - 1, size })
    offset += size
  })
  const size = offset - ref.offset
  if (ref.size !== undefined && size !== ref.size) throw refuse(`${size} bytes below, expected ${ref.size}`)
  return { refs }
}
