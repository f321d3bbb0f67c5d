/**
 * Blocks: chunks of one kind and class in the order read, up to 2 MiB, compressed as one zstd frame
 * (RFC 8878). Small chunks find more duplicates and large pieces compress better, so the unit of dedupe
 * and the unit of compression differ. Incompressible chunks ("noise") get blocks of their own. Each
 * closed block is decompressed and compared with its input before anything refers to it, which finds bad
 * memory now and not at a restore. Used by pack-filler.ts. spec/pack.md.
 */
import { CHUNK_ID_BYTES } from "../base/ids.ts"
import { EngineError } from "../base/errors.ts"
import type { Zstd } from "../chunks/zstd.ts"
import { CODEC_STORED, CODEC_ZSTD } from "../format/sealed-header.ts"

export const BLOCK_BYTES: number = 2 * 1024 * 1024
/** Incompressible data gains nothing from larger blocks; small ones fill a pack better. */
const STORED_BLOCK_BYTES = 256 * 1024
/** After a stored block, this much of the next one is compressed first, as a trial. */
const PROBE_BYTES = 32 * 1024
const BLOCK_CHUNKS_MAX = 8192
/** A block is stored uncompressed when compression saves less than this. */
const WORTHWHILE = 0.97

export interface OpenBlock {
  readonly kind: number
  rawLength: number
  chunkCount: number
  /** "stored": the previous block did not compress or these chunks are noise, so this block may not compress either. */
  follows: "compressed" | "stored"
  raw: Uint8Array<ArrayBuffer>
  readonly ids: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array<ArrayBuffer>
}

/** A full block for another thread to close. It owns all of its memory. */
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

/** A compressed block that waits to be sealed as a frame of a pack. */
export interface ClosedBlock {
  readonly kind: number
  readonly codec: number
  readonly rawLength: number
  readonly ids: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array<ArrayBuffer>
  /** The compressed bytes, as a view of the memory that they were compressed into. */
  readonly bytes: Uint8Array
}

/**
 * Compresses a block into `target`, verifies it, and empties it for the next chunks. `scratch` has room
 * for a raw block.
 * @throws EngineError corrupt "compression-mismatch" when this machine's memory or zstd is faulty
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

/** Moves the block's content out with its memory; the next chunks go into new memory. */
export function takeFull(block: OpenBlock): FullBlock {
  const { kind, rawLength, raw } = block
  const full: FullBlock = { kind, rawLength, raw, ...chunksOf(block) }
  empty(block)
  block.raw = new Uint8Array(BLOCK_BYTES)
  return full
}

/** The inverse of `takeFull`. */
export function openFull({ kind, rawLength, raw, ids, lengths }: FullBlock): OpenBlock {
  return { kind, rawLength, chunkCount: lengths.length, follows: "compressed", raw, ids, lengths }
}

/** The buffers to transfer with the block to another thread. */
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

/** Bytes of a chunk that `isNoise` looks at. */
const SAMPLES = 512
/** Text and most formats are recognised within this many. */
const FIRST_SAMPLES = 32
/**
 * Pearson's chi-squared statistic against uniformly distributed bytes has 255 degrees of freedom and a
 * standard deviation of 22.6. Random bytes exceed this limit once in a million samples; JPEG, PNG, gzip
 * and zstd are near them; text and machine code are far above.
 */
const CHI_SQUARED_MAX = 370
const SQUARES_MAX = ((CHI_SQUARED_MAX + SAMPLES) * SAMPLES) / 256

const counts = new Uint16Array(256)

/**
 * Whether a sample looks incompressible: random, encrypted or already compressed. Costs well under a
 * microsecond. False for fewer than 512 bytes. It chooses the block only; closing the block tries to
 * compress it.
 */
export function isNoise(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLES) return false
  // An odd step samples all byte positions of numbers of two, four or eight bytes.
  const step = ((bytes.length / SAMPLES - 1) & ~1) + 1
  let bits = 0
  for (let i = 0; i < FIRST_SAMPLES; i++) bits |= bytes[i * step] as number
  if (bits < 128) return false
  counts.fill(0)
  // Incrementing a count of n adds 2n + 1 to the sum of squares.
  let squares = 0
  for (let i = 0; i < SAMPLES; i++) {
    const byte = bytes[i * step] as number
    const count = counts[byte] as number
    squares += 2 * count + 1
    counts[byte] = count + 1
  }
  return squares <= SQUARES_MAX
}
