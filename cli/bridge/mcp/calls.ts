/**
 * The calls that the server works on, from their start to their end, so that a client that leaves does not tear a
 * backup apart: a call ends early when its client cancels it, or when the server's time after the client's end is
 * over, and not because the connection is gone.
 */
import type { ServerContext } from "@modelcontextprotocol/server"
import type { SyncProgress } from "../agent.ts"

const PROGRESS_MS_MIN = 500

export interface Calls {
  /** Runs one call. `work` gets the signal that ends it early. */
  run<T>(context: ServerContext, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** From now on the end of the connection cancels no call. */
  leave(): void
  /** Waits for the calls at work; after `graceMs`, or when `hurry` is called, they are ended early. */
  finish(graceMs: number): Promise<void>
  hurry(): void
}

export function createCalls(): Calls {
  const working = new Set<Promise<unknown>>()
  const over = new AbortController()
  let isLeft = false
  return {
    async run(context, work) {
      const cancelled = new AbortController()
      const { signal } = context.mcpReq
      const cancel = (): void => {
        if (!isLeft) cancelled.abort(signal.reason)
      }
      signal.addEventListener("abort", cancel, { once: true })
      const running = work(AbortSignal.any([cancelled.signal, over.signal]))
      working.add(running)
      try {
        return await running
      } finally {
        working.delete(running)
        signal.removeEventListener("abort", cancel)
      }
    },
    leave() {
      isLeft = true
    },
    async finish(graceMs) {
      const timer = setTimeout(() => over.abort(new Error("the client has left")), graceMs)
      await Promise.allSettled(working)
      clearTimeout(timer)
    },
    hurry: () => over.abort(new Error("the client has left")),
  }
}

/** Reports progress where the client asked for it: at most twice a second, and never backwards. */
export function progressOf(context: ServerContext): ((progress: SyncProgress) => void) | undefined {
  const progressToken = context.mcpReq._meta?.progressToken
  if (progressToken === undefined) return undefined
  let next = 0
  let reached = -1
  return ({ filesDone, filesTotal, bytesDone, bytesTotal }) => {
    const now = performance.now()
    if (now < next || bytesDone <= reached) return
    next = now + PROGRESS_MS_MIN
    reached = bytesDone
    const message = filesTotal === undefined ? `${filesDone} files` : `${filesDone} of ${filesTotal} files`
    const total = bytesTotal === undefined ? {} : { total: bytesTotal }
    const params = { progressToken, progress: bytesDone, ...total, message }
    // a client that has gone needs no progress
    void context.mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined)
  }
}
