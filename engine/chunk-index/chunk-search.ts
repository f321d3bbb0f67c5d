/**
 * Finds the place of a chunk id. The key table gives candidate frames; each frame's row then
 * decides by all 32 bytes. The index and the worker's look-up share it. Frames that matched stay in
 * memory, since chunks written together are looked up together.
 */
import { toHex } from "../base/bytes.ts"
import { CHUNK_ID_BYTES, type ChunkId, type Digest } from "../base/ids.ts"
import { type Database, lazyStatement } from "../base/sqlite.ts"
import type { ChunkLocation, FrameLocation, PackLocation } from "./chunk-index.ts"
import { checkedPack, checkFrame, type FrameColumns, type PackColumns, STATE_LIVE } from "./row-checks.ts"

/** About 40 bytes of ids and lengths per chunk. A 1 MiB block has about 250 chunks. */
const CACHED_CHUNKS_MAX = 32 * 1024

export interface ChunkSearch {
  has(id: Uint8Array): boolean
  locate(id: ChunkId): ChunkLocation | undefined
  locateAll(ids: Uint8Array): ChunkLocation[] | undefined
  /** Drops the cached frames. Call it after packs change. */
  forget(): void
}

interface CachedFrame {
  readonly live: boolean
  /** Eight words per id. */
  readonly ids: Uint32Array
  /** Position of the next look-up if chunks are asked for in the order they were written. */
  expected: number
  readonly offsets: Uint32Array
  readonly pack: PackLocation
  readonly frame: FrameLocation
}

interface FrameRow extends FrameColumns, PackColumns {
  readonly ids: Buffer
  readonly lengths: Buffer
  readonly sum: number
  readonly packSum: number
}

const FRAME_QUERY = `
  SELECT p.state, p.name, p.size_bytes AS sizeBytes, p.epoch, p.salt, f.reference - p.first_frame AS number,
    p.directory_offset AS directoryOffset, p.directory_sealed_length AS directorySealedLength,
    p.directory_raw_length AS directoryRawLength, p.directory_codec AS directoryCodec,
    p.first_frame AS firstFrame, p.frames, p.chunks, p.sum AS packSum,
    f.kind, f.codec, f.offset, f.sealed_length AS sealedLength, f.raw_length AS rawLength, f.lengths, f.ids, f.sum
  FROM frames f JOIN packs p ON p.id = f.pack WHERE f.reference = ?`

/** @param candidates references of frames that may have a chunk */
export function openChunkSearch(
  database: Database,
  candidates: (id: Uint8Array) => readonly number[],
): ChunkSearch {
  const read = lazyStatement<[number], FrameRow>(database, FRAME_QUERY)
  const cache = new Map<number, CachedFrame>()
  /** The last frame that matched. It is live and is searched first. */
  let last: CachedFrame | undefined
  let cachedChunks = 0

  const frameAt = (reference: number): CachedFrame | undefined => {
    const cached = cache.get(reference)
    if (cached !== undefined) return cached
    const row = read().get(reference)
    if (row === undefined) return undefined
    checkFrame(row)
    checkedPack({ ...row, sum: row.packSum })
    const frame = toCachedFrame(row)
    cachedChunks += frame.offsets.length
    if (cachedChunks > CACHED_CHUNKS_MAX) {
      cache.clear()
      cachedChunks = frame.offsets.length
    }
    cache.set(reference, frame)
    return frame
  }

  /** Returns the live frame with the chunk, and the chunk's position in it. Makes it the last frame. */
  const find = (id: Uint8Array): { frame: CachedFrame; position: number } | undefined => {
    for (const reference of candidates(id)) {
      const frame = frameAt(reference)
      const position = frame?.live === true ? positionOf(frame, wordsOf(id)) : -1
      if (frame === undefined || position < 0) continue
      last = frame
      return { frame, position }
    }
    return undefined
  }
  const locate = (id: Uint8Array): ChunkLocation | undefined => {
    const found = find(id)
    return found && placeIn(found.frame, found.position)
  }

  return {
    locate,

    has: (id) => nextIn(last, wordsOf(id), 0) >= 0 || find(id) !== undefined,

    locateAll(ids) {
      const words = alignedWords(ids)
      const places: ChunkLocation[] = []
      for (let at = 0; at < words.length; at += ID_WORDS) {
        const position = nextIn(last, words, at)
        const start = at * 4
        const place =
          last !== undefined && position >= 0
            ? placeIn(last, position)
            : locate(ids.subarray(start, start + CHUNK_ID_BYTES))
        if (place === undefined) return undefined
        places.push(place)
      }
      return places
    },

    forget() {
      cache.clear()
      last = undefined
      cachedChunks = 0
    },
  }
}

function placeIn(cached: CachedFrame, position: number): ChunkLocation {
  const { pack, frame, offsets } = cached
  const offset = offsets[position] as number
  const end = position + 1 < offsets.length ? (offsets[position + 1] as number) : frame.rawLength
  return { pack, frame, offset, length: end - offset }
}

/** Returns the frame's expected position if it has this id; otherwise -1. */
function nextIn(frame: CachedFrame | undefined, words: Uint32Array, at: number): number {
  if (frame === undefined) return -1
  const position = frame.expected
  if (!sameId(frame.ids, position * ID_WORDS, words, at)) return -1
  expectAfter(frame, position)
  return position
}

/** Returns the id's position in the frame, or -1. */
function positionOf(frame: CachedFrame, id: Uint32Array): number {
  const { ids, expected } = frame
  const count = frame.offsets.length
  for (let i = 0; i < count; i++) {
    const position = expected + i < count ? expected + i : expected + i - count
    if (ids[position * ID_WORDS] !== id[0] || !sameId(ids, position * ID_WORDS, id, 0)) continue
    expectAfter(frame, position)
    return position
  }
  return -1
}

function expectAfter(frame: CachedFrame, position: number): void {
  frame.expected = position + 1 < frame.offsets.length ? position + 1 : 0
}

function sameId(a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean {
  for (let i = 0; i < ID_WORDS; i++) if (a[atA + i] !== b[atB + i]) return false
  return true
}

const ID_WORDS = CHUNK_ID_BYTES / 4
const askedWords = new Uint32Array(ID_WORDS)
const askedBytes = new Uint8Array(askedWords.buffer)

/** Returns the id as words, in memory that the next call overwrites. */
function wordsOf(id: Uint8Array): Uint32Array {
  askedBytes.set(id)
  return askedWords
}

/** Copies only if the memory isn't aligned. */
function alignedWords(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(buffer, byteOffset, length / 4)
}

function toCachedFrame(row: FrameRow): CachedFrame {
  const { number, kind, codec, offset, sealedLength, rawLength } = row
  return {
    live: row.state === STATE_LIVE,
    ids: alignedWords(row.ids),
    expected: 0,
    offsets: offsetsOf(row.lengths),
    pack: {
      name: toHex(row.name) as Digest,
      sizeBytes: row.sizeBytes,
      epoch: row.epoch,
      salt: new Uint8Array(row.salt),
    },
    frame: { number, kind, codec, offset, sealedLength, rawLength },
  }
}

function offsetsOf(lengths: Buffer): Uint32Array {
  const offsets = new Uint32Array(lengths.length / 4)
  let offset = 0
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = offset
    offset += lengths.readUInt32LE(i * 4)
  }
  return offsets
}
