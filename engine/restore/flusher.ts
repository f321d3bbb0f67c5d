/**
 * The flush of a whole restore, in steps: while more is being restored, the disk keeps what is there, so that
 * little is left for the end.
 */
import type { Target } from "../target/target.ts"

/** Less is not worth a flush of its own. */
const STEP_BYTES = 128 * 1024 ** 2

export interface Flusher {
  /** So much more was written. */
  written(bytes: number): void
  /** Nearly all was written. */
  nearlyDone(): void
  /** When it resolves, all that was written survives a power cut. May be called again. Throws unavailable "flush-failed". */
  finish(): Promise<void>
}

export function createFlusher(target: Pick<Target, "flush">): Flusher {
  let unflushed = 0
  let isFlushing = false
  // a failed write is told to one flush alone, and it may be any of these
  const flushes: Promise<void>[] = []
  const begin = (): void => {
    unflushed = 0
    isFlushing = true
    const flushed = target.flush().finally(() => (isFlushing = false))
    flushed.catch(() => {}) // noticed at the end
    flushes.push(flushed)
  }
  return {
    written(bytes) {
      unflushed += bytes
      if (unflushed >= STEP_BYTES && !isFlushing) begin()
    },
    nearlyDone() {
      if (!isFlushing) begin()
    },
    async finish() {
      await Promise.all(flushes.splice(0))
      await target.flush()
    },
  }
}

/** For a restore that is not to be flushed as a whole. */
export const noFlusher: Flusher = { written() {}, nearlyDone() {}, finish: async () => {} }
