/**
 * Creates a repository: puts its keyslots and the first trust entry, and the object `repository` last. A
 * crash leaves either a whole repository or a few objects without meaning, which the next `init` removes.
 * If several processes create one in one place, one of them gets it: claim-place.ts. spec/trust.md.
 */
import { EngineError } from "../base/errors.ts"
import { type Bytes, toHex } from "../base/bytes.ts"
import type { ObjectName, RepositoryId } from "../base/ids.ts"
import { rawPathFromText } from "../base/paths.ts"
import { shellWord } from "../base/show.ts"
import { digestOf } from "../crypto/digest.ts"
import { signingPair } from "../crypto/keypair.ts"
import { makeKeyslot, type OpenedSlot, type SlotSecret } from "../crypto/keyslots.ts"
import { addDevice, firstTrust, signTrust } from "../crypto/trust-change.ts"
import { type OpenedTrust, openTrust } from "../crypto/trust-state.ts"
import { wordsOf, RECOVERY_BYTES } from "../crypto/words.ts"
import type { KdfParameters } from "../format/keyslot.ts"
import type { Value } from "../format/msgpack.ts"
import {
  keyslotName,
  KEYSLOTS_PREFIX,
  LOG_PREFIX,
  parseName,
  REPOSITORY_NAME,
  trustName,
} from "../format/names.ts"
import { encodeRepository, type RepositoryRecord } from "../format/repository-record.ts"
import { openRepositoryHome } from "../home/home.ts"
import { refuseOwnPlace } from "../home/own-places.ts"
import { foreignRepository, strangersIn } from "../store/folder/neighbours.ts"
import { createLocalRoot } from "../store/folder/local-store.ts"
import { createsExclusively, probeOf } from "../store/open-store.ts"
import { PROBE_PREFIX, type StoreAbilities } from "../store/probe.ts"
import type { Store } from "../store/store.ts"
import { assembleRepository, type OpeningPorts } from "./assemble-repository.ts"
import { claimPlace } from "./claim-place.ts"
import { keepDevice, makeDevice, trustDevice } from "./enrol.ts"
import { labelOf, noSecret, type Place, portsOf, remember, withState } from "./open-repository.ts"
import { readRepositoryObject } from "./repository-object.ts"
import { CHUNKING_VERSION, type FoundRepository } from "./open-trust.ts"
import type { Repository } from "./repository.ts"
import type { Device } from "./session.ts"
import { type Secret, slotSecret } from "../trust/unlock.ts"

export interface NewRepository extends Place {
  /** At least one. */
  readonly secrets: readonly Secret[]
  /**
   * Recovery words are added to the secrets and returned; false adds none. A function gets them just before
   * the repository exists: no slot is committed whose words were not shown.
   */
  readonly recovery?: false | ((words: string, id: RepositoryId) => void)
  readonly kdf?: KdfParameters
  /** False skips the test of what the store really does. A folder is never tested. */
  readonly probe?: boolean
}

export interface CreatedRepository {
  readonly repository: Repository
  readonly id: RepositoryId
  /** Kept nowhere: show them once. "" if none were added. */
  readonly recoveryWords: string
}

interface CreateRequest extends OpeningPorts, Pick<NewRepository, "secrets"> {
  /** As in `NewRepository`; false adds no recovery words. */
  readonly recovery: false | ((words: string, id: RepositoryId) => void)
  readonly kdf: KdfParameters | undefined
  readonly label: string
  /** Finds out what the store really does; the answer is recorded. */
  readonly probe: (() => Promise<StoreAbilities>) | undefined
}

interface Created {
  readonly found: FoundRepository
  readonly opened: OpenedTrust
  readonly device: Device
  /** For the home's cache. */
  readonly objects: readonly (readonly [ObjectName, Bytes])[]
}

/**
 * Creates a repository and makes this home its first device.
 * @throws conflict "repository-exists", "foreign-repository", "store-not-empty", "own-place" inside a repository or
 * holdfast's own folders, "init-lost" if another process creates one there at the same time; denied "no-secret"
 * @example
 * const secret = { kind: "passphrase", text: "correct horse battery staple" } as const
 * const { repository, recoveryWords } = await createRepository({ home, store, secrets: [secret] })
 */
export async function createRepository(request: NewRepository): Promise<CreatedRepository> {
  const { secrets, kdf, home, recovery = () => {} } = request
  if (secrets.length === 0) throw noSecret()
  const { location, folder } = request.store
  if (folder !== undefined) {
    refuseOwnPlace({ location, home }, rawPathFromText(folder), "repository")
    await createLocalRoot(folder)
  }
  const ports = portsOf(request, secrets[0])
  const probe = request.probe === false ? undefined : probeOf(request.store)
  let recoveryWords = ""
  const { found, opened, device, objects } = await putNewRepository({
    ...ports,
    secrets,
    kdf,
    probe,
    label: labelOf(request),
    recovery:
      recovery !== false &&
      ((words, id) => {
        recoveryWords = words
        recovery(words, id)
      }),
  })
  const ownHome = openRepositoryHome(home, found.id)
  const parts = { home: ownHome, found, opened, device, member: device.sealing, listed: undefined }
  const repository = withState(ownHome, (state) => {
    const made = assembleRepository(ports, { ...parts, state })
    made.objects.put(objects)
    keepDevice(ownHome, device, made)
    remember(request, made)
    return made
  })
  return { repository, id: found.id, recoveryWords }
}

/**
 * Throws `conflict`: "repository-exists", "init-lost", "store-not-empty", "foreign-repository",
 * "repository-incomplete".
 */
async function putNewRepository(request: CreateRequest): Promise<Created> {
  const { store, random } = request
  const leftovers = await requireEmpty(store)
  const abilities = await probed(request)
  const id = toHex(random.bytes(16)) as RepositoryId
  const root = signingPair(random.bytes(32))
  const parameters = { chunking: CHUNKING_VERSION }
  const record: RepositoryRecord = { id, root: root.public, parameters, createdNs: request.clock.now() }
  const bytes = encodeRepository(record)
  const found: FoundRepository = { id, digest: digestOf(bytes), record, bytes }

  const entropy = random.bytes(RECOVERY_BYTES)
  const words = await wordsOf(entropy)
  const slots = await makeSlots(request, found, entropy)
  const device = makeDevice(random)
  const first = slots[0] as OpenedSlot
  const members = slots.map((slot) => ({
    id: slot.id,
    public: slot.pair.public,
    kind: slot.kind,
    role: "full" as const,
  }))
  const draft = addDevice(
    firstTrust(
      { repository: id, root, slots: members, labels: new Map(), policy: {}, store: abilities },
      random,
    ),
    trustDevice(device, { role: "full", slot: first, continues: null }),
    request.label,
    random,
  )
  const trust = signTrust(draft, random)
  const trustObject = trustName(1, trust.digest)

  await claimPlace({
    store,
    record: bytes,
    trust: trustObject,
    objects: [
      ...slots.map((slot) => [keyslotName(slot.id), slot.bytes] as const),
      [trustObject, trust.bytes] as const,
    ],
    leftovers,
    exclusive: createsExclusively(store, abilities),
    beforeCommit: () => request.recovery !== false && request.recovery(words, id),
  })
  return {
    found,
    opened: openTrust(trust, device.sealing),
    device,
    objects: [
      [REPOSITORY_NAME, bytes],
      [trustObject, trust.bytes],
    ],
  }
}

async function probed({ probe, clock }: CreateRequest): Promise<Readonly<Record<string, Value>>> {
  return probe === undefined ? {} : { ...(await probe()), probedNs: clock.now() }
}

async function makeSlots(
  { secrets, kdf, random, recovery }: CreateRequest,
  { id, digest }: FoundRepository,
  entropy: Bytes,
): Promise<(OpenedSlot & { readonly bytes: Bytes })[]> {
  const all: SlotSecret[] = await Promise.all(secrets.map(slotSecret))
  if (recovery !== false) all.push({ kind: "recovery", bytes: entropy })
  const slots = []
  // One at a time: each passphrase needs the memory of a derivation.
  for (const secret of all) {
    const kdfOf = kdf === undefined ? {} : { kdf }
    const salt = random.bytes(32)
    slots.push(await makeKeyslot({ repository: id, repositoryDigest: digest, secret, salt, ...kdfOf }))
  }
  return slots
}

/** The names that an interrupted `init` has left. Throws if anything else is there. */
async function requireEmpty(store: Store): Promise<ObjectName[]> {
  const strangers = strangersIn(store)
  const leftovers: ObjectName[] = []
  const ours: string[] = []
  for await (const { name } of store.list("")) {
    if (name.startsWith(PROBE_PREFIX)) continue // of a key that may not delete
    const parsed = parseName(name)
    if (parsed?.type === "repository") throw repositoryExists(store)
    if (parsed === undefined) strangers.push(name)
    else if (parsed.type === "keyslot" || (parsed.type === "trust" && parsed.number === 1))
      leftovers.push(name)
    else ours.push(name)
    if (strangers.length + ours.length > 16) break
  }
  if (strangers.length > 0 || ours.length > 0) {
    // `repository` sorts after the log and the packs, so the listing may have stopped before it.
    if ((await readRepositoryObject(store)) !== undefined) throw repositoryExists(store)
    const foreign = await foreignRepository(store)
    if (foreign !== undefined) throw foreignThere(store, foreign)
  }
  if (ours.length > 0) throw incomplete(store, ours[0] as string)
  if (strangers.length > 0) throw notEmpty(store, strangers[0] as string)
  return leftovers
}

function repositoryExists({ location }: Store): EngineError {
  const message = `${location}: a repository already exists here. To use it, run: holdfast connect ${shellWord(location)}`
  return new EngineError("conflict", "repository-exists", message)
}

function foreignThere({ location }: Store, foreign: string): EngineError {
  const message = `${location}: this is a ${foreign} repository. Choose an empty place`
  return new EngineError("conflict", "foreign-repository", message, { detail: { foreign } })
}

function notEmpty({ location }: Store, stranger: string): EngineError {
  const message = `${location}: is not empty (it contains ${stranger}). Create the repository in an empty place`
  return new EngineError("conflict", "store-not-empty", message)
}

/** Not left by `init`: it may contain backups. */
function incomplete({ location }: Store, name: string): EngineError {
  const message = `${location}: holds parts of a repository (${name}) whose object \`${REPOSITORY_NAME}\` is missing; put that back from a copy, or use an empty place (an interrupted init leaves only ${KEYSLOTS_PREFIX} and ${LOG_PREFIX})`
  return new EngineError("conflict", "repository-incomplete", message)
}
