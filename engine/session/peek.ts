/**
 * What a repository shows without a key: its id, and how many devices may write. For a person who is about to type a
 * secret there. Nothing of it is verified before the secret has opened the repository.
 */
import type { RepositoryId } from "../base/ids.ts"
import { listLog } from "../log/log-names.ts"
import type { Store } from "../store/store.ts"
import { memoryObjects, newestTrust } from "../trust/trust-log.ts"
import { findRepository } from "./open-trust.ts"

export interface PeekedRepository {
  readonly id: RepositoryId
  /** Nanoseconds since 1970. */
  readonly createdNs: bigint
  readonly deviceCount: number
}

/** @throws not-found "no-repository"; invalid "format-too-new"; what the store throws */
export async function peekRepository(store: Store): Promise<PeekedRepository> {
  const { id, record } = await findRepository(store)
  const source = { store, objects: memoryObjects(), repository: id, root: record.root }
  const newest = await newestTrust(source, (await listLog(store)).trust)
  const deviceCount = newest?.trust.state.devices.length ?? 0
  return { id, createdNs: record.createdNs, deviceCount }
}
