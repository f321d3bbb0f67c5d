/**
 * Estimates the total of a long run for its progress display: from the last snapshot, or by a second walk
 * of the source beside the run. The walk takes slices of the main thread's time and reads no content.
 */
import { monotonicMs } from "../base/ports.ts"
import type { Repository } from "../session/repository.ts"
import { type Run as Walked, walk } from "../source/walk.ts"
import type { Run } from "./run.ts"
import { openRunSource } from "./run-source.ts"
import type { Amount } from "./tally.ts"

const SLICE_MS = 10
const PAUSE_MS = 40

/** Gives the tally a total. Returns a function that stops the count. */
export async function expectTotal(repository: Repository, run: Run): Promise<() => void> {
  const { request, tally, parentHere, base } = run
  if (parentHere !== undefined && (request.force === true || parentHere.digest === base?.snapshot))
    tally.expect(parentHere.summary)
  else if (request.countAhead === true) {
    const { files, scope } = await openRunSource(repository, request, () => {})
    const stop = countAhead(walk(files, scope, { unreadable: () => {} }), tally.expect)
    return () => {
      stop()
      files.close()
    }
  }
  return () => {}
}

/** Calls `found` when everything is counted. Returns a function that stops the count. */
function countAhead(walked: Iterable<Walked>, found: (amount: Amount) => void): () => void {
  const iterator = walked[Symbol.iterator]()
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
