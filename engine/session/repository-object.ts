/**
 * The object `repository`, which says what is at a location: this repository, another one, another
 * tool's, or nothing. Each answer that is not this repository is an error with the next step for a person.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import { shellWord } from "../base/show.ts"
import { digestOf } from "../crypto/digest.ts"
import { REPOSITORY_NAME } from "../format/names.ts"
import { foreignRepository } from "../store/folder/neighbours.ts"
import type { Store } from "../store/store.ts"

/** Undefined if the place is empty or does not exist. Throws not-found "no-repository" for a file. */
export async function readRepositoryObject(store: Store): Promise<Bytes | undefined> {
  try {
    return await store.get(REPOSITORY_NAME)
  } catch (error) {
    if (isEngineError(error) && error.kind === "not-found") return undefined
    if (isEngineError(error, "not-a-folder")) throw noFolderHere(store, error)
    throw error
  }
}

function noFolderHere({ location }: Store, cause: EngineError): EngineError {
  const message = `${location}: not a repository: this is a file, or a folder is in the place of a file`
  return new EngineError("not-found", "no-repository", message, { cause })
}

/** Throws not-found "no-bucket" if the bucket does not exist: `init` would not help. */
export async function noRepository(store: Store, newcomer: boolean): Promise<EngineError> {
  const foreign = await foreignAt(store)
  if (foreign !== undefined) {
    const message = `${store.location}: this is a ${foreign} repository, which holdfast cannot read. Use that tool, or another place`
    return new EngineError("not-found", "no-repository", message, { detail: { foreign } })
  }
  const advice = newcomer
    ? `To create one, run: holdfast init ${shellWord(store.location)}`
    : `${store.folder !== undefined ? "Check the location, and that its disk is mounted" : "Check the location"}. \`holdfast status\` lists the repositories that this device knows`
  const message = `${store.location}: no repository here. ${advice}`
  return new EngineError("not-found", "no-repository", message)
}

async function foreignAt(store: Store): Promise<string | undefined> {
  try {
    return await foreignRepository(store)
  } catch (error) {
    if (isEngineError(error) && error.kind === "not-found" && error.code !== "no-bucket") return undefined
    throw error
  }
}

export interface PinnedRepository {
  readonly store: Store
  readonly id: RepositoryId
  /** SHA-256 of the object `repository`. */
  readonly digest: Digest
}

/** The alarm itself, or its cause: the location has no repository now, or another one. One GET. */
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
