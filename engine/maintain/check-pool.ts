/** Who opens packs: worker threads, or this thread for a small repository. */
import type { Worker } from "node:worker_threads"
import { unpackError, type TravellingError } from "../base/travelling-error.ts"
import { startWorkers } from "../base/worker-pool.ts"
import { giveBackLargeMemory } from "../system/native.ts"
import { createZstd } from "../chunks/zstd.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher } from "../crypto/chunk-id.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { checkPack, type PackJob, type PackTools, type PackVerdict } from "./check-pack.ts"

export interface CheckPool {
  /** The job's bytes are gone afterwards. */
  check(job: PackJob): Promise<PackVerdict>
  close(): Promise<void>
}

export type FromCheckWorker =
  | { readonly type: "checked"; readonly verdict: PackVerdict }
  | { readonly type: "broken"; readonly error: TravellingError }

export function packTools(keys: RepositoryKeys): PackTools {
  const hashers: Record<string, ChunkHasher> = {}
  return {
    keys,
    zstd: createZstd(),
    hasher: (kind) => (hashers[kind] ??= chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, kind))),
  }
}

export function inlineCheckPool(keys: RepositoryKeys): CheckPool {
  const tools = packTools(keys)
  return { check: async (job) => checkPack(job, tools), close: async () => {} }
}

interface Waiting {
  resolve(verdict: PackVerdict): void
  reject(error: unknown): void
}

interface Thread {
  readonly worker: Worker
  readonly waiting: Waiting[]
}

export function threadCheckPool(keys: RepositoryKeys): CheckPool {
  let broken: unknown
  giveBackLargeMemory()
  const threads = startWorkers("maintain/check-worker", keys).map((worker): Thread => {
    const thread: Thread = { worker, waiting: [] }
    const fail = (error: unknown): void => {
      broken ??= error
      for (const waiting of thread.waiting.splice(0)) waiting.reject(error)
    }
    worker.on("error", fail)
    worker.on("message", (message: FromCheckWorker) => {
      if (message.type === "broken") fail(unpackError(message.error))
      else thread.waiting.shift()?.resolve(message.verdict)
    })
    return thread
  })
  return {
    check(job) {
      if (broken !== undefined) return Promise.reject(broken as Error)
      const { worker, waiting } = threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a))
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        worker.postMessage(job, [job.bytes.buffer])
      })
    },
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}
