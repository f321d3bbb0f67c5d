/**
 * Collects a thread's heap before V8 would. V8 waits until there are some hundred MiB of old objects: what
 * a long run drops after each batch piles up until then, and so does native memory that V8 does not see,
 * as that of node:crypto's ciphers. spec/decisions/0013-memory-of-long-runs.md has the numbers.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** What a collection leaves is less than this, and a collection takes 15 ms. */
const GROWTH_BYTES = 24 * 1024 ** 2

/** To be called after each piece of work: collects when the heap has grown by 24 MiB since it was collected last. */
export function createHeapBound(): () => void {
  let boundBytes = usedBytes() + GROWTH_BYTES
  return () => {
    if (usedBytes() < boundBytes) return
    collectHeap()
    boundBytes = usedBytes() + GROWTH_BYTES
  }
}

let collect: (() => void) | undefined

/** Not before all threads have started: with other flags, Node compiles its own modules anew. */
export function collectHeap(): void {
  collect ??= exposedCollector()
  collect()
}

/** A context that is made after the flag is set has the function as a global; without it, V8 goes on as it likes. */
function exposedCollector(): () => void {
  setFlagsFromString("--expose-gc")
  const exposed: unknown = runInNewContext("globalThis.gc")
  return typeof exposed === "function" ? (exposed as () => void) : () => {}
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size
}
