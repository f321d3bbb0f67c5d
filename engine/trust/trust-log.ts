/**
 * Reads the log of trust. Entries are fetched once and trusted only with the root's signature. The newest
 * one that verifies is the state. Entries of one number are siblings, written by two devices at the same
 * time: the first in a fixed order is the state, and the writer of the other merges (trust-merge.ts). An
 * entry that the root has not signed is ignored unless another entry claims it. spec/log.md, rules T1 and T2.
 */
import type { Bytes } from "../base/bytes.ts"
import { EngineError, isEngineError } from "../base/errors.ts"
import type { Digest, ObjectName, RepositoryId } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { type VerifiedTrust, verifyTrust } from "../crypto/trust-state.ts"
import type { Numbered } from "../format/entry.ts"
import { REPOSITORY_NAME, trustName } from "../format/names.ts"
import type { ObjectCache } from "../home/object-cache.ts"
import type { Store } from "../store/store.ts"

/** Whole log objects, fetched once. Their bytes are verified at each use. */
export type LogObjects = Pick<ObjectCache, "get" | "put" | "remove">

export interface ObjectSource {
  readonly store: Store
  readonly objects: LogObjects
}

export interface TrustSource extends ObjectSource {
  readonly repository: RepositoryId
  /** The root's public signing key, from the object `repository`. */
  readonly root: Uint8Array
}

export interface NewestTrust {
  readonly trust: VerifiedTrust
  /** All entries of its number that verified, this one included. */
  readonly siblings: readonly VerifiedTrust[]
  /** Why newer entries were ignored. */
  readonly ignored: readonly EngineError[]
}

/** Throws `corrupt` or `untrusted` as `verifyTrust` does, and as the store does. */
export async function loadTrust(source: TrustSource, entry: Numbered): Promise<VerifiedTrust> {
  const { repository, root } = source
  const name = trustName(entry.number, entry.digest)
  const bytes = await fetchObject(source, name, entry.digest)
  return verifyTrust(bytes, { ...entry, repository, root })
}

/** The newest entry that verifies; undefined if none does. `names` are ordered by number. */
export async function newestTrust(
  source: TrustSource,
  names: readonly Numbered[],
): Promise<NewestTrust | undefined> {
  const ignored: EngineError[] = []
  const numbers = [...new Set(names.map((each) => each.number))].toSorted((a, b) => b - a)
  for (const number of numbers) {
    const siblings: VerifiedTrust[] = []
    for (const name of names.filter((each) => each.number === number)) {
      try {
        siblings.push(await loadTrust(source, name))
      } catch (error) {
        if (!isLocalFault(error)) throw error
        ignored.push(error)
      }
    }
    const trust = firstOf(siblings)
    if (trust !== undefined) return { trust, siblings, ignored }
  }
  return undefined
}

/** For a store in which `newestTrust` finds none. */
export function noTrust(): EngineError {
  const message = `log/trust: the store has no trust entry that belongs to ${REPOSITORY_NAME}`
  return new EngineError("untrusted", "trust-missing", message, { detail: { object: "log/trust" } })
}

/**
 * The order of siblings: more epochs first, so that no data key is lost, then the smaller digest. Every
 * device chooses the same one.
 */
export function firstOf(siblings: readonly VerifiedTrust[]): VerifiedTrust | undefined {
  return siblings.toSorted(
    (a, b) => b.state.epochs.length - a.state.epochs.length || (a.digest < b.digest ? -1 : 1),
  )[0]
}

/** From the home, or from the store and then kept. Only bytes with the right digest are kept. */
export async function fetchObject(
  { store, objects }: ObjectSource,
  name: ObjectName,
  digest: Digest,
): Promise<Bytes> {
  const known = objects.get(name)
  if (known !== undefined && digestOf(known) === digest) return known
  if (known !== undefined) objects.remove([name]) // the cached copy is damaged
  const bytes = await store.get(name)
  if (digestOf(bytes) === digest) objects.put([[name, bytes]])
  return bytes
}

/** For a repository whose home is not open yet. */
export function memoryObjects(): LogObjects & { all(): Iterable<readonly [ObjectName, Bytes]> } {
  const known = new Map<ObjectName, Bytes>()
  return {
    get: (name) => known.get(name),
    put(objects) {
      for (const [name, bytes] of objects) known.set(name, new Uint8Array(bytes))
    },
    remove(names) {
      for (const name of names) known.delete(name)
    },
    all: () => known,
  }
}

/** One object is missing, damaged or not trusted: the caller reports it and continues with the rest. */
export function isLocalFault(error: unknown): error is EngineError {
  if (!isEngineError(error)) return false
  // An epoch that began after this member was removed: older data can still be read.
  return ["corrupt", "untrusted", "not-found"].includes(error.kind) || error.code === "unknown-epoch"
}
