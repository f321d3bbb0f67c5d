/**
 * Starts the worker threads of a pool: one a core, at most four, for beyond that the disk is the limit.
 * The same code runs from sources (`engine/backup/split/split-worker.ts`) and from the build, where esbuild moves
 * functions between files: there the entry is found from the `dist` folder, not from the file that asks. A
 * worker started from sources inherits `--import tsx` with its parent's execArgv. Every file named
 * `*-worker.ts` is an entry of the build.
 */
import { availableParallelism } from "node:os"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"

/** What a file costs beside its bytes, in bytes. */
export const FILE_COST_BYTES: number = 16 * 1024
/** Up to this much is done by the main thread. */
const INLINE_COST_MAX = 48 * 1024 * 1024

/** Whether threads would be started in less time than they save (spec/decisions/0011-threads.md). */
export function paysThreads({ files, bytes }: { files: number; bytes: number }): boolean {
  return bytes + files * FILE_COST_BYTES > INLINE_COST_MAX
}

/** Workers hold long-lived buffers and short-lived scraps: more room for scraps saves no time. */
const YOUNG_MIB = 4

/** @param ownFiles they close what they open themselves, and Node is not to watch over it */
export function startWorkers(entry: `${string}-worker`, workerData: unknown, ownFiles = false): Worker[] {
  const count = Math.max(1, Math.min(4, availableParallelism()))
  const options = {
    workerData,
    trackUnmanagedFds: !ownFiles,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  }
  const workers = Array.from({ length: count }, () => new Worker(workerUrl(entry), options))
  keepYoungSpaceSmall(workers)
  return workers
}

/** With less, what lives as long as one batch is taken for old, and is there until all of the heap is collected. */
const MAIN_YOUNG_BYTES = 8 * 1024 ** 2

/**
 * V8 would double this thread's space for young objects up to 48 MiB, which takes memory and saves no more
 * time. Node's own code that is still to be loaded counts as compiled with other flags after this, and is
 * compiled anew: so not before the last worker has answered.
 */
function keepYoungSpaceSmall(workers: readonly Worker[]): void {
  const last = workers.at(-1)
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")
    if (young !== undefined && young.space_size < MAIN_YOUNG_BYTES) return
    setFlagsFromString("--semi-space-growth-factor=1")
    last?.off("message", look)
  }
  last?.on("message", look)
}

function workerUrl(entry: string): URL {
  const here = import.meta.url
  if (here.endsWith(".ts")) return new URL(`../${entry}.ts`, here)
  const dist = here.lastIndexOf("/dist/")
  return new URL(`${here.slice(0, dist)}/dist/engine/${entry}.js`)
}
