/**
 * The nodes of a chunk list: the ids of a large file's chunks in order, as a tree. Versions of the file
 * share all nodes but those around a change. listing/chunk-list.ts cuts and builds them.
 * spec/chunk-list.md.
 *
 *     leaf  = [0, ids bin 32×n]
 *     inner = [level ≥ 1, ids bin 32×n, content bytes below each bin u64×n]
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import { CHUNK_ID_BYTES } from "../base/ids.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { schema, type Schema } from "./schema.ts"

/** Never change. */
export const CHUNK_LIST_IDS_MAX = 128
export const CHUNK_LIST_LEVEL_MAX = 15
const NODE_BYTES_MAX = 8192
const SIZE_BYTES = 8

export interface ChunkListNode {
  readonly level: number
  /** 32 bytes each: of chunks in a leaf, of nodes one level below in an inner node. */
  readonly ids: Bytes
  /** Content bytes below each id in an inner node. Empty in a leaf: the index knows its chunks. */
  readonly sizes: readonly number[]
}

export function encodeChunkListNode({ level, ids, sizes }: ChunkListNode): Bytes {
  const count = ids.length / CHUNK_ID_BYTES
  assert(Number.isInteger(count) && count >= 1 && count <= CHUNK_LIST_IDS_MAX, `a node of ${count} ids`)
  assert(level >= 0 && level <= CHUNK_LIST_LEVEL_MAX, `a node of level ${level}`)
  assert(sizes.length === (level === 0 ? 0 : count), `${sizes.length} sizes in a node of level ${level}`)
  return encodeCanonical(level === 0 ? [level, ids] : [level, ids, sizesValue(sizes)])
}

function sizesValue(sizes: readonly number[]): Bytes {
  const bytes = new Uint8Array(sizes.length * SIZE_BYTES)
  const view = new DataView(bytes.buffer)
  sizes.forEach((size, i) => {
    assert(Number.isSafeInteger(size) && size > 0, `content of ${size} bytes`)
    view.setBigUint64(i * SIZE_BYTES, BigInt(size), true)
  })
  return bytes
}

/**
 * @returns a node with ids that are a view of `bytes`
 * @throws corrupt "chunk-list-node" or "msgpack"
 */
export function decodeChunkListNode(bytes: Uint8Array, object: string): ChunkListNode {
  const s = schema("chunk-list-node", object)
  if (bytes.length > NODE_BYTES_MAX) throw s.refuse("node", `${bytes.length} bytes, too many`)
  const items = s.array(decodeCanonical(bytes, object), "node", 3)
  const level = s.int(items[0] ?? null, "level", { min: 0, max: CHUNK_LIST_LEVEL_MAX })
  s.tuple(items, "node", level === 0 ? 2 : 3)
  const ids = s.bytesUpTo(items[1] ?? null, "ids", CHUNK_LIST_IDS_MAX * CHUNK_ID_BYTES)
  const count = ids.length / CHUNK_ID_BYTES
  if (count < 1 || !Number.isInteger(count))
    throw s.refuse("ids", `${ids.length} bytes are no whole number of ids`)
  return { level, ids, sizes: level === 0 ? [] : readSizes(s, items[2] ?? null, count) }
}

function readSizes(s: Schema, value: Value, count: number): number[] {
  const bytes = s.bytes(value, "sizes", count * SIZE_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let sum = 0
  return Array.from({ length: count }, (_, i) => {
    const wide = view.getBigUint64(i * SIZE_BYTES, true)
    const size = Number(wide)
    sum += size
    if (wide === 0n || wide > Number.MAX_SAFE_INTEGER || !Number.isSafeInteger(sum)) {
      throw s.refuse("sizes", `${wide} bytes below id ${i}`)
    }
    return size
  })
}
