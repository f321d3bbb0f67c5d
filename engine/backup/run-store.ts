/**
 * The repository as one run writes to it: what is stored already (dedupe), the uploader of new packs, and
 * the listing nodes. A dry run has the same shape and writes nothing.
 */
import type { ChunkId } from "../base/ids.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import type { Repository } from "../session/repository.ts"
import { createRunNodes, type RunNodes } from "./kept-nodes.ts"
import { openClaims, shareClaims } from "./split/claims.ts"
import type { PoolPorts } from "./split/split-pool.ts"
import { createDryUploader, createUploader } from "./uploader.ts"

/** Concurrent uploads: a remote store takes several packs at once, a folder one after the other. */
export const UPLOADS_AT_ONCE = { folder: 1, remote: 3 } as const

export interface RunStore {
  /** What splits files needs of the repository. */
  readonly pool: PoolPorts
  readonly nodes: RunNodes
  /** Resolves when all nodes are in the cache and no partial entry is being written. */
  readonly settled: () => Promise<void>
  /** Stored bytes of this run's packs. */
  readonly packedBytes: () => number
}

export function createRunStore(repository: Repository, run: { series: string; isDry: boolean }): RunStore {
  const { index, random } = repository
  const { keys } = repository.session
  const wasEmpty = index.isEmpty()
  const isStored = (id: ChunkId): boolean => !wasEmpty && index.has(id)
  const claims = shareClaims()
  const mine = openClaims(claims)
  const nodes = createRunNodes(repository, { ...run, isNew: (id) => mine.claim(id) && !isStored(id) })
  const uploader = run.isDry ? createDryUploader() : createUploader(repository, run.series)
  return {
    pool: {
      keys: {
        repository: keys.repository,
        sealing: sealingKeyOfEpoch(keys, keys.epoch, "a new pack"),
        chunkKey: keys.chunkKey,
        chunkerKey: keys.chunkerKey,
      },
      claims,
      random,
      isStored,
      shareIndex: () => (wasEmpty ? undefined : index.share()),
      onPack: (pack) => uploader.put(pack),
      uploadsAtOnce: repository.store.folder === undefined ? UPLOADS_AT_ONCE.remote : UPLOADS_AT_ONCE.folder,
    },
    nodes,
    async settled() {
      nodes.flush()
      await uploader.settled()
    },
    packedBytes: () => uploader.packedBytes,
  }
}
