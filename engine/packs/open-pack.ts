/**
 * Fetch: the sealed frames of one pack, in as few ranged requests as pay off. A request costs about
 * as much as a hundred KiB of transfer, and a pack of which half is needed is read whole.
 */
import { release, type Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import { packName } from "../format/names.ts"
import type { FrameLocation, PackLocation } from "../chunk-index/chunk-index.ts"
import type { Store } from "../store/store.ts"

/** Ranges that are closer than this are read together. */
const GAP_BYTES_MAX = 128 * 1024
const RANGES_AT_ONCE = 4

export interface Range {
  readonly offset: number
  readonly length: number
}

export interface FetchedFrames {
  /** The sealed bytes, in the order asked; views of shared buffers. */
  readonly sealed: Bytes[]
  /** Gives the buffers back; no view may be used any more. */
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

/** Of a pack that was cut short, what is left: frames beyond its end don't open, and all others do. */
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
