/**
 * Opening packs, the inverse of seal-pack.ts: fetches the sealed frames of one pack in few ranged
 * requests, opens each, and decompresses it within its authenticated length. All readers come here:
 * restores, listing look-ups, checks, imports of directories. A caller recomputes the chunks' IDs.
 * spec/pack.md.
 *
 * Must never return bytes that did not authenticate.
 */
import { release, type Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, isEngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { FrameLocation, PackLocation } from "../chunk-index/chunk-index.ts"
import type { Zstd } from "../chunks/zstd.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { sealerFromSalt, type ObjectSealer } from "../crypto/seal.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import { packName } from "../format/names.ts"
import type { Locator } from "../format/pack.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_DIRECTORY,
  KIND_PACK,
  NUMBER_DIRECTORY,
} from "../format/sealed-header.ts"
import type { Store } from "../store/store.ts"

/** A request costs about as much as a hundred KiB of transfer: ranges that are closer are read together. */
const GAP_BYTES_MAX = 128 * 1024
const RANGES_AT_ONCE = 4

export interface Range {
  readonly offset: number
  readonly length: number
}

export interface FetchedFrames {
  /** The sealed bytes in the order of the request, as views of shared buffers. */
  readonly sealed: Bytes[]
  /** Releases the buffers; the views are empty afterwards. */
  free(): void
}

export async function fetchFrames(
  store: Store,
  pack: PackLocation,
  frames: readonly FrameLocation[],
): Promise<FetchedFrames> {
  const ranges = mergeRanges(frames, pack.sizeBytes)
  const parts = new Map<Range, Bytes>()
  await forEachBounded(ranges, RANGES_AT_ONCE, async (range) => {
    const isWhole = range.length === pack.sizeBytes
    parts.set(range, await getRange(store, pack, isWhole ? undefined : range))
  })
  const sealed = frames.map((frame) => {
    const range = ranges.find(
      ({ offset, length }) => offset <= frame.offset && frame.offset + frame.sealedLength <= offset + length,
    )
    const bytes = parts.get(range as Range) as Bytes // every frame is in a range, by construction
    const start = frame.offset - (range as Range).offset
    return bytes.subarray(start, start + frame.sealedLength)
  })
  return { sealed, free: () => parts.forEach((part) => release(part)) }
}

/** Returns what is left of a pack that was cut short: frames beyond its end fail to open, all others open. */
async function getRange(store: Store, pack: PackLocation, range: Range | undefined): Promise<Bytes> {
  const object = packName(pack.name)
  try {
    return await store.get(object, range)
  } catch (error) {
    if (!isEngineError(error, "short-object") || range === undefined) throw error
    const whole = await store.get(object)
    return whole.subarray(range.offset, range.offset + range.length)
  }
}

/** The ranges that cover these frames; one range for the whole pack when half of it is needed. */
export function mergeRanges(frames: readonly FrameLocation[], packBytes: number): Range[] {
  const wanted = frames.reduce((sum, frame) => sum + frame.sealedLength, 0)
  if (wanted * 2 >= packBytes) return [{ offset: 0, length: packBytes }]
  const ranges: { offset: number; length: number }[] = []
  for (const frame of [...frames].sort((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1)
    const end = frame.offset + frame.sealedLength
    if (last !== undefined && frame.offset - (last.offset + last.length) <= GAP_BYTES_MAX)
      last.length = Math.max(last.length, end - last.offset)
    else ranges.push({ offset: frame.offset, length: frame.sealedLength })
  }
  return ranges
}

/** Opens a pack's frames without its header; make one for each pack. */
export function packSealer(keys: RepositoryKeys, pack: PackLocation, object: ObjectName): ObjectSealer {
  return sealerFromSalt(sealingKeyOfEpoch(keys, pack.epoch, object), KIND_PACK, pack.salt, object)
}

export interface FrameTools {
  readonly zstd: Zstd
  /** The pack, for errors. */
  readonly object: ObjectName
  /** Returns memory for a raw block; by default the block has memory of its own. */
  readonly room?: (lengthBytes: number) => Bytes
}

/**
 * Opens and decompresses one frame. `sealed` is exactly the frame's bytes.
 * @returns the raw block
 * @throws EngineError corrupt
 */
export function openFrame(
  sealer: ObjectSealer,
  frame: Omit<FrameLocation, "offset" | "sealedLength">,
  sealed: Uint8Array,
  { zstd, object, room = newRoom }: FrameTools,
): Bytes {
  const { number, kind, codec, rawLength } = frame
  const bytes = sealer.open({ number, kind, codec, rawLength }, sealed)
  if (codec === CODEC_STORED) {
    if (bytes.length !== rawLength)
      throw corrupt(
        "frame-length",
        object,
        `frame ${number} has ${bytes.length} bytes, expected ${rawLength}`,
      )
    return bytes
  }
  if (codec !== CODEC_ZSTD)
    throw corrupt("frame-codec", object, `frame ${number} has the unknown codec ${codec}`)
  const raw = room(rawLength)
  try {
    zstd.decompress(raw, bytes)
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw corrupt("frame-compression", object, `frame ${number}: ${found}`)
  }
  release(bytes)
  return raw
}

/** The same for the frame of a pack's directory; returns the encoded directory. */
export function openDirectory(
  sealer: ObjectSealer,
  { directoryCodec, directoryRawLength }: Locator,
  sealed: Uint8Array,
  tools: FrameTools,
): Bytes {
  const place = { number: NUMBER_DIRECTORY, kind: FRAME_DIRECTORY }
  return openFrame(sealer, { ...place, codec: directoryCodec, rawLength: directoryRawLength }, sealed, tools)
}

function newRoom(lengthBytes: number): Bytes {
  return new Uint8Array(lengthBytes)
}
