/**
 * Collects a thread's heap earlier than V8 would. V8 waits for some hundred MiB of old objects, so
 * the garbage of a long run piles up, and with it native memory that V8 doesn't see, such as that
 * of node:crypto's ciphers. Measurements: spec/decisions/0013-memory-of-long-runs.md.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** More than a collection leaves. A collection takes 15 ms. */
const GROWTH_BYTES = 24 * 1024 ** 2

/**
 * Returns a function to call after each piece of work. It collects if the heap has grown by 24 MiB
 * since the last collection.
 */
export function createHeapBound(): () => void {
  let boundBytes = usedBytes() + GROWTH_BYTES
  return () => {
    if (usedBytes() < boundBytes) return
    collectHeap()
    boundBytes = usedBytes() + GROWTH_BYTES
  }
}

let collect: (() => void) | undefined

/** Call only after all threads have started: with other flags, Node compiles its own modules again. */
export function collectHeap(): void {
  collect ??= exposedCollector()
  collect()
}

/**
 * A context created after the flag is set has the function as a global. Without it, V8 collects
 * when it chooses.
 */
function exposedCollector(): () => void {
  setFlagsFromString("--expose-gc")
  const exposed: unknown = runInNewContext("globalThis.gc")
  return typeof exposed === "function" ? (exposed as () => void) : () => {}
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size
}
