/** Who opens packs: worker threads, or this thread for a small repository. */
import { idlest, startPool } from "../base/worker-pool.ts"
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

export function threadCheckPool(keys: RepositoryKeys): CheckPool {
  giveBackLargeMemory()
  const pool = startPool<PackJob, PackVerdict>({ entry: "maintain/check-worker", workerData: keys })
  return {
    check: (job) => idlest(pool.threads, ({ waiting }) => waiting).ask(job, [job.bytes.buffer]),
    close: () => pool.terminate(),
  }
}
