/**
 * Counts a source while its first backup runs, for whoever watches: without an earlier run nothing else says how
 * much there is. It walks the source a second time, in slices of the main thread's time, and reads no content.
 */
import { monotonicMs } from "../base/monotonic.ts"
import type { Run } from "../source/walk.ts"

export interface Amount {
  readonly files: number
  readonly bytes: number
}

const SLICE_MS = 10
const PAUSE_MS = 40

/** Calls `found` when all is counted; what it returns stops it. */
export function countAhead(runs: Iterable<Run>, found: (amount: Amount) => void): () => void {
  const iterator = runs[Symbol.iterator]()
  let files = 0
  let bytes = 0
  const slice = (): void => {
    const endMs = monotonicMs() + SLICE_MS
    while (monotonicMs() < endMs) {
      const next = iterator.next()
      if (next.done === true) return found({ files, bytes })
      const { folder, from, to } = next.value
      for (const { type, size } of folder.stats.slice(from, to)) {
        if (type !== "directory" && type !== "socket") files++
        if (type === "file") bytes += size
      }
    }
    timer = setTimeout(slice, PAUSE_MS)
  }
  let timer = setTimeout(slice, PAUSE_MS)
  return () => clearTimeout(timer)
}
