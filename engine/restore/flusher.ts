/** Flushes a whole restore in steps, while more is being restored. So little is left for the flush at the end. */
import type { Target } from "../target/target.ts"

/** Below this, a flush costs more than it saves. */
const STEP_BYTES = 128 * 1024 ** 2

export interface Flusher {
  /** Counts bytes that were written. */
  written(bytes: number): void
  /** Nearly everything is written: begins the last step. */
  nearlyDone(): void
  /** When it resolves, all written bytes survive a power cut. May be called again. Throws unavailable "flush-failed". */
  finish(): Promise<void>
}

export function createFlusher(target: Pick<Target, "flush">): Flusher {
  let unflushed = 0
  let isFlushing = false
  // the system reports a failed write to one flush only, which may be any of these
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

/** For a restore that is not flushed as a whole. */
export const noFlusher: Flusher = { written() {}, nearlyDone() {}, finish: async () => {} }
