/**
 * Blocks, spec/pack.md: chunks of one kind and class, noise apart, in the order read, up to two MiB,
 * compressed as one zstd frame. Small chunks find more duplicates and large pieces compress better, so the
 * unit of dedupe and the unit of compression differ. Each block is decompressed again and compared
 * with what was read before anything refers to it: bad memory is noticed here, not at a restore.
 */
import { CHUNK_ID_BYTES } from "../base/ids.ts"
import { EngineError } from "../base/errors.ts"
import type { Zstd } from "../chunks/zstd.ts"
import { CODEC_STORED, CODEC_ZSTD } from "../format/sealed-header.ts"

export const BLOCK_BYTES: number = 2 * 1024 * 1024
/** What does not compress gains nothing by the size of its block, and small ones fill a pack to its end. */
const STORED_BLOCK_BYTES = 256 * 1024
/** Of a block that follows a stored one, this much is tried first. */
const PROBE_BYTES = 32 * 1024
const BLOCK_CHUNKS_MAX = 8192
/** A block that compression does not make this much smaller is stored as it is. */
const WORTHWHILE = 0.97

export interface OpenBlock {
  readonly kind: number
  rawLength: number
  chunkCount: number
  /** "stored": the block before did not compress, or these chunks look as if they do not, and so this one may not. */
  follows: "compressed" | "stored"
  raw: Uint8Array<ArrayBuffer>
  readonly ids: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array<ArrayBuffer>
}

/** What is in a block, for another thread to close: all of its memory is its own. */
export interface FullBlock {
  readonly kind: number
  readonly rawLength: number
  readonly raw: Uint8Array<ArrayBuffer>
  readonly ids: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array<ArrayBuffer>
}

export function openBlock(kind: number, follows: OpenBlock["follows"] = "compressed"): OpenBlock {
  return {
    kind,
    rawLength: 0,
    chunkCount: 0,
    follows,
    raw: new Uint8Array(BLOCK_BYTES),
    ids: new Uint8Array(BLOCK_CHUNKS_MAX * CHUNK_ID_BYTES),
    lengths: new Uint32Array(BLOCK_CHUNKS_MAX),
  }
}

export function fits(block: OpenBlock, chunkBytes: number): boolean {
  if (block.chunkCount === 0) return true
  const bytesMax = block.follows === "stored" ? STORED_BLOCK_BYTES : BLOCK_BYTES
  return block.rawLength + chunkBytes <= bytesMax && block.chunkCount < BLOCK_CHUNKS_MAX
}

export function addChunk(block: OpenBlock, id: Uint8Array, chunk: Uint8Array): void {
  block.raw.set(chunk, block.rawLength)
  block.ids.set(id, block.chunkCount * CHUNK_ID_BYTES)
  block.lengths[block.chunkCount] = chunk.length
  block.rawLength += chunk.length
  block.chunkCount++
}

/** A compressed block, waiting to be sealed as a frame of a pack. */
export interface ClosedBlock {
  readonly kind: number
  readonly codec: number
  readonly rawLength: number
  readonly ids: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array<ArrayBuffer>
  /** The compressed bytes; a view of the memory they were compressed into. */
  readonly bytes: Uint8Array
}

/**
 * Compresses into `target`, checks, and empties the block for the next chunks. `scratch` has room
 * for a block. A mismatch is a failure of this machine's memory or of zstd: nothing is stored.
 */
export function closeBlock(
  block: OpenBlock,
  zstd: Zstd,
  target: Uint8Array,
  scratch: Uint8Array,
): ClosedBlock {
  const raw = block.raw.subarray(0, block.rawLength)
  const length = mayCompress(block, zstd, target) ? zstd.compress(target, raw) : raw.length
  const worthwhile = length < raw.length * WORTHWHILE
  if (!worthwhile) target.set(raw)
  const bytes = target.subarray(0, worthwhile ? length : raw.length)
  const back = worthwhile ? scratch.subarray(0, raw.length) : bytes
  if (worthwhile) zstd.decompress(back, bytes)
  if (Buffer.compare(back, raw) !== 0) {
    throw new EngineError(
      "corrupt",
      "compression-mismatch",
      "a compressed block does not match what was read. Check this machine's memory",
    )
  }
  const { ids, lengths } = chunksOf(block)
  const { kind } = block
  const codec = worthwhile ? CODEC_ZSTD : CODEC_STORED
  const closed: ClosedBlock = { kind, codec, rawLength: raw.length, ids, lengths, bytes }
  empty(block)
  block.follows = worthwhile ? "compressed" : "stored"
  return closed
}

/** Takes out what is in the block, with its memory; the next chunks go into new memory. */
export function takeFull(block: OpenBlock): FullBlock {
  const { kind, rawLength, raw } = block
  const full: FullBlock = { kind, rawLength, raw, ...chunksOf(block) }
  empty(block)
  block.raw = new Uint8Array(BLOCK_BYTES)
  return full
}

/** The inverse: a block as full as it was. */
export function openFull({ kind, rawLength, raw, ids, lengths }: FullBlock): OpenBlock {
  return { kind, rawLength, chunkCount: lengths.length, follows: "compressed", raw, ids, lengths }
}

/** What goes along with it to another thread. */
export function memoryOf({ raw, ids, lengths }: FullBlock): ArrayBuffer[] {
  return [raw.buffer, ids.buffer, lengths.buffer]
}

function chunksOf({ ids, lengths, chunkCount }: OpenBlock): Pick<FullBlock, "ids" | "lengths"> {
  return { ids: ids.slice(0, chunkCount * CHUNK_ID_BYTES), lengths: lengths.slice(0, chunkCount) }
}

function empty(block: OpenBlock): void {
  block.rawLength = 0
  block.chunkCount = 0
}

function mayCompress({ follows, raw, rawLength }: OpenBlock, zstd: Zstd, target: Uint8Array): boolean {
  if (follows === "compressed" || rawLength <= PROBE_BYTES) return true
  return zstd.compress(target, raw.subarray(0, PROBE_BYTES)) < PROBE_BYTES * WORTHWHILE
}
