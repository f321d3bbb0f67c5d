/**
 * The two ways into a repository: as a device, from the home alone, or with a secret, from the store
 * alone. Both end with a verified trust state and the data keys. spec/trust.md.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import type { OpenedSlot } from "../crypto/keyslots.ts"
import { type OpenedTrust, openTrust } from "../crypto/trust-state.ts"
import { REPOSITORY_NAME, trustName } from "../format/names.ts"
import { decodeRepository, type RepositoryRecord } from "../format/repository-record.ts"
import type { DeviceFile } from "../home/device-file.ts"
import type { Pins } from "../home/pins.ts"
import type { Store } from "../store/store.ts"
import {
  noTrust,
  loadTrust,
  type LogObjects,
  memoryObjects,
  newestTrust,
  type TrustSource,
} from "../trust/trust-log.ts"
import { explainAlarm, repositoryGone, noRepository, readRepositoryObject } from "./repository-object.ts"
import { listLog, type LogNames } from "../log/log-names.ts"
import { type Secret, unlock } from "../trust/unlock.ts"

/** The object `repository`, decoded. Not trusted before a keyslot or a pin confirms its digest. */
export interface FoundRepository {
  readonly id: RepositoryId
  readonly digest: Digest
  readonly record: RepositoryRecord
  readonly bytes: Bytes
}

/** The number of the chunking in spec/chunking.md. */
export const CHUNKING_VERSION = 0

/**
 * One GET.
 * @param newcomer this home has no keys at all: the error may advise to create a repository
 * @throws not-found "no-repository", which names another tool's repository; invalid "format-too-new"
 */
export async function findRepository(store: Store, newcomer = true): Promise<FoundRepository> {
  const bytes = await readRepositoryObject(store)
  if (bytes === undefined) throw await noRepository(store, newcomer)
  return readFound(bytes)
}

function readFound(bytes: Bytes): FoundRepository {
  const record = decodeRepository(bytes, REPOSITORY_NAME)
  const { chunking } = record.parameters
  if (chunking !== CHUNKING_VERSION) {
    const message = `${REPOSITORY_NAME}: the chunking parameters are not known to this version. Use a newer holdfast`
    throw new EngineError("invalid", "format-too-new", message, { detail: { object: REPOSITORY_NAME } })
  }
  return { id: record.id, digest: digestOf(bytes), record, bytes }
}

export interface OpenedWithSecret {
  readonly opened: OpenedTrust
  readonly slot: OpenedSlot
  /** The log as it was listed, and the objects that were read. */
  readonly names: LogNames
  readonly objects: ReturnType<typeof memoryObjects>
}

/**
 * One LIST of the log, and a GET of the newest trust entry and of each keyslot of the secret's kind.
 * Nothing is trusted before a keyslot has opened: it seals the digest of the object `repository`.
 */
export async function openWithSecret(
  store: Store,
  { id, record, bytes }: FoundRepository,
  secret: Secret,
): Promise<OpenedWithSecret> {
  const objects = memoryObjects()
  const names = await listLog(store)
  const source: TrustSource = { store, objects, repository: id, root: record.root }
  const newest = await newestTrust(source, names.trust)
  if (newest === undefined) throw noTrust()
  const { trust } = newest
  const slot = await unlock(store, { record: bytes, slots: trust.state.slots }, secret)
  return { opened: openTrust(trust, slot.pair), slot, names, objects }
}

export interface OpenedAsDevice {
  readonly found: FoundRepository
  readonly opened: OpenedTrust
  /** Present if the pins were lost and the log had to be listed. */
  readonly names: LogNames | undefined
}

/** No request if the home's caches have the two objects that are needed. */
export async function openAsDevice(
  store: Store,
  objects: LogObjects,
  device: DeviceFile,
  pins: Pins,
): Promise<OpenedAsDevice> {
  const pinned = { store, id: device.repository, digest: device.repositoryDigest }
  const known = objects.get(REPOSITORY_NAME)
  const isKnown = known !== undefined && digestOf(known) === device.repositoryDigest
  if (!isKnown) objects.remove([REPOSITORY_NAME]) // the cached copy is damaged
  const bytes = isKnown ? known : await readRepositoryObject(store)
  if (bytes === undefined) throw repositoryGone(pinned)
  if (digestOf(bytes) !== device.repositoryDigest) throw await explainAlarm(pinned, noTrust())
  objects.put([[REPOSITORY_NAME, bytes]])
  const found = readFound(bytes)
  const source: TrustSource = { store, objects, repository: found.id, root: found.record.root }
  const names = pins.trust === null ? await listLog(store) : undefined
  const trust =
    pins.trust === null
      ? (await newestTrust(source, names?.trust ?? []))?.trust
      : await pinnedTrust(source, pins.trust, pinned)
  if (trust === undefined) throw await explainAlarm(pinned, noTrust())
  return { found, names, opened: openTrust(trust, device.sealing) }
}

async function pinnedTrust(
  source: TrustSource,
  pin: NonNullable<Pins["trust"]>,
  pinned: Parameters<typeof explainAlarm>[0],
): ReturnType<typeof loadTrust> {
  try {
    return await loadTrust(source, pin)
  } catch (error) {
    if (!isEngineError(error, "object-not-found")) throw error
    const object = trustName(pin.number, pin.digest)
    const message = `${object}: this device has seen it, but it is missing. It was removed from the store, or an old copy of the repository was put back`
    throw await explainAlarm(
      pinned,
      new EngineError("untrusted", "trust-rolled-back", message, { detail: { object } }),
    )
  }
}
