/** Cut points as spec/chunking.md defines them, byte by byte: the cutter's naive twin. */
import type { ChunkSizes } from "../chunks/classes.ts"

/** Returns the ends of all chunks of the content. */
export function naiveCuts(content: Uint8Array, sizes: ChunkSizes, gear: Uint32Array): number[] {
  const ends: number[] = []
  for (let start = 0; start < content.length; start = ends.at(-1) ?? 0) {
    ends.push(start + chunkLength(content.subarray(start), sizes, gear))
  }
  return ends
}

function chunkLength(rest: Uint8Array, { min, average, max, fixed }: ChunkSizes, gear: Uint32Array): number {
  if (fixed) return Math.min(max, rest.length)
  if (rest.length <= min) return rest.length
  const length = Math.min(rest.length, max)
  const offset = Math.min(min + Math.ceil(min / 2), average)
  const center = Math.min(average - offset, length)
  const bits = Math.round(Math.log2(average))
  const easy = 2 ** (bits - 1) - 1
  const hard = 2 ** (bits + 1) - 1
  let hash = 0
  for (let i = min; i < length; i++) {
    hash = ((hash >>> 1) + (gear[rest[i] ?? 0] ?? 0)) >>> 0
    if ((hash & (i < center ? hard : easy)) === 0) return i + 1
  }
  return length
}
