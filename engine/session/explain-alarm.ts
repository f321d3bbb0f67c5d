/** An alarm about one object may come from a location that holds no repository now, or another one. */
import { EngineError } from "../base/errors.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import type { Store } from "../store/store.ts"
import { readRepositoryObject } from "./repository-object.ts"

export interface PinnedRepository {
  readonly store: Store
  readonly id: RepositoryId
  /** SHA-256 of the object `repository`. */
  readonly digest: Digest
}

/** The alarm itself, or the larger one behind it. One GET. */
export async function explainAlarm(pinned: PinnedRepository, alarm: EngineError): Promise<EngineError> {
  const found = await readRepositoryObject(pinned.store)
  if (found === undefined) return repositoryGone(pinned, alarm)
  return digestOf(found) === pinned.digest ? alarm : repositorySwapped(pinned, alarm)
}

type Known = Pick<PinnedRepository, "store" | "id">

export function repositoryGone({ store, id }: Known, cause?: EngineError): EngineError {
  const message = `${store.location}: the repository known to this device is gone. Check the location and that its disk is mounted; ${advice(id)}`
  return new EngineError("untrusted", "repository-gone", message, cause === undefined ? {} : { cause })
}

export function repositorySwapped({ store, id }: Known, cause?: EngineError): EngineError {
  const message = `${store.location}: this is not the repository that this device knows. Check the location; ${advice(id)}`
  return new EngineError("untrusted", "repository-swapped", message, cause === undefined ? {} : { cause })
}

function advice(id: RepositoryId): string {
  return `if this is intended, set HOLDFAST_HOME to a new folder, which does not know repository ${id.slice(0, 8)}`
}
