/**
 * Making and opening repositories: from a store, a home and a secret to the record of ports that every
 * verb takes. The steps are in session/create-repository.ts, open-trust.ts and enrol.ts; what comes out is put together
 * in assemble-repository.ts. spec/trust.md.
 */
import { hostname } from "node:os"
import { EngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { rawPathFromText } from "../base/paths.ts"
import { type Clock, type Random, SYSTEM_CLOCK } from "../base/ports.ts"
import type { KdfParameters } from "../format/keyslot.ts"
import { REPOSITORY_NAME } from "../format/names.ts"
import { openDryHome, type DryHome } from "../home/dry-home.ts"
import { readDeviceFile } from "../home/device-file.ts"
import { type Home, openRepositoryHome, type RepositoryHome } from "../home/home.ts"
import { devicesIn, rememberRepository, repositoryAt } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import { refuseOwnPlace } from "../home/own-places.ts"
import {
  assembleRepository,
  type LocalState,
  openLocalState,
  type OpeningPorts,
  type Parts,
  SYSTEM_RANDOM,
} from "./assemble-repository.ts"
import { createLocalRoot } from "../store/folder/local-store.ts"
import { createsExclusively, probeOf } from "../store/open-store.ts"
import { meteredStore, type MeteredStore } from "../store/wrappers/metered-store.ts"
import type { Store } from "../store/store.ts"
import { putNewRepository } from "./create-repository.ts"
import { enrolDevice, keepDevice, makeDevice, roleOf } from "./enrol.ts"
import { repositoryGone, repositorySwapped, readRepositoryObject } from "./repository-object.ts"
import { refuseMirror } from "../log/mirror.ts"
import type { Repository } from "./repository.ts"
import { movePins } from "./session.ts"
import { findRepository, type FoundRepository, openAsDevice, openWithSecret } from "./open-trust.ts"
import type { Secret } from "../trust/unlock.ts"

interface Place {
  readonly store: Store
  readonly home: Home
  /** What people call this device; the machine's name when absent. */
  readonly label?: string
  readonly clock?: Clock
  readonly random?: Random
}

export interface NewRepository extends Place {
  /** At least one. */
  readonly secrets: readonly Secret[]
  /**
   * Recovery words are made besides, and are in the result; false makes none. A function gets them just
   * before the repository exists: no slot is committed whose words nobody was shown.
   */
  readonly recovery?: false | ((words: string, id: RepositoryId) => void)
  readonly kdf?: KdfParameters
  /** False leaves out trying what the store does; a folder is never tried. */
  readonly probe?: boolean
}

export interface OpenRequest extends Place {
  /** Asked only when this home is no device of the repository. */
  readonly secret?: Secret | (() => Promise<Secret | undefined>) | undefined
  /** Enrols this home as a device when it is none. */
  readonly write?: boolean
  /** Neither the store nor the home is changed by whatever is done with it; not together with `write`. */
  readonly dryRun?: boolean
}

export interface CreatedRepository {
  readonly repository: Repository
  readonly id: RepositoryId
  /** Shown once, kept nowhere; "" when there are none. */
  readonly recoveryWords: string
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
    isExclusive: (abilities) => createsExclusively(request.store, abilities),
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

/** Closes the databases when what follows fails. */
function withState(home: RepositoryHome | DryHome, use: (state: LocalState) => Repository): Repository {
  const state = openState(home)
  try {
    return use(state)
  } catch (error) {
    state.close()
    throw error
  }
}

/**
 * Opens a repository with this home's device, which needs no request, or with a secret. Close it afterwards.
 * @throws not-found "no-repository"; denied "no-secret" or "wrong-key"; invalid "format-too-new"; untrusted if
 * the place does not hold what this home knows of it; and what the store throws
 * @example
 * const again = await openRepository({ home, store, write: true })
 * again.close()
 */
export async function openRepository(request: OpenRequest): Promise<Repository> {
  const ports = portsOf(request, request.secret)
  const { store } = ports
  const known = repositoryAt(request.home, store.location)
  const asDevice = known === undefined ? undefined : await openKnown(ports, request, known)
  if (asDevice !== undefined) return asDevice
  const devices = devicesIn(request.home)
  const found = await findExpected(store, known, devices.length > 0)
  const moved = devices.includes(found.id) ? await openKnown(ports, request, found.id) : undefined
  return moved ?? (await openBySecret(ports, request, found))
}

/** Undefined when this home is no device of the repository. */
async function openKnown(
  ports: OpeningPorts,
  request: OpenRequest,
  id: RepositoryId,
): Promise<Repository | undefined> {
  const home = homeFor(request, id)
  const file = readDeviceFile(home)
  if (file === undefined) {
    if ("discard" in home) home.discard()
    return undefined
  }
  const state = openState(home)
  try {
    const { found, opened, names } = await openAsDevice(ports.store, state.objects, file, readPins(home))
    const { device: deviceId, signing, sealing } = file
    const device = { id: deviceId, signing, sealing }
    const repository = assembleRepository(ports, {
      home,
      state,
      found,
      opened,
      device,
      member: sealing,
      listed: names,
    })
    remember(request, repository)
    return repository
  } catch (error) {
    state.close()
    throw error
  }
}

/** A home with keys is not sent to make another repository. */
async function findExpected(
  store: Store,
  known: RepositoryId | undefined,
  hasDevices: boolean,
): Promise<FoundRepository> {
  if (known === undefined) return await findRepository(store, !hasDevices)
  if ((await readRepositoryObject(store)) === undefined) throw repositoryGone({ store, id: known })
  const found = await findRepository(store)
  if (found.id !== known) throw repositorySwapped({ store, id: known })
  return found
}

async function openBySecret(
  ports: OpeningPorts,
  request: OpenRequest,
  found: FoundRepository,
): Promise<Repository> {
  const { store, random } = ports
  const secret = await ports.askSecret()
  if (secret === undefined) throw noSecret()
  const { opened, slot, names, objects } = await openWithSecret(store, found, secret)
  let access: Pick<Parts, "opened" | "member" | "device" | "listed" | "enrolled"> = {
    opened,
    member: slot.pair,
    device: undefined,
    listed: names,
  }
  if (request.write === true) {
    refuseMirror(names, store)
    const device = makeDevice(random)
    const source = { store, objects, repository: found.id, root: found.record.root }
    const how = { role: roleOf(opened, slot), slot, continues: null }
    const change = { source, members: [slot.pair], random, names, from: opened }
    const changed = await enrolDevice(change, device, how, labelOf(request))
    access = { opened: changed.trust, member: device.sealing, device, listed: changed.names, enrolled: true }
  }
  const home = homeFor(request, found.id)
  return withState(home, (state) => {
    const repository = assembleRepository(ports, { home, state, found, ...access })
    repository.objects.put([...objects.all(), [REPOSITORY_NAME, found.bytes]])
    if (access.device !== undefined) keepDevice(home, access.device, repository)
    remember(request, repository)
    return repository
  })
}

function homeFor({ home, dryRun }: OpenRequest, id: RepositoryId): RepositoryHome | DryHome {
  return dryRun === true ? openDryHome(home, id) : openRepositoryHome(home, id)
}

function openState(home: RepositoryHome | DryHome): LocalState {
  const state = openLocalState(home)
  if (!("discard" in home)) return state
  const close = (): void => {
    state.close()
    home.discard()
  }
  return { ...state, close }
}

/** Pins the state of trust that it was opened with, unless a newer one is pinned; the location too. */
function remember({ home: root, dryRun }: Place & Pick<OpenRequest, "dryRun">, repository: Repository): void {
  const { location, id, session } = repository
  const { trust, pins } = session
  if ((pins.trust?.number ?? 0) < trust.number) {
    const seen = { number: trust.number, digest: trust.digest }
    movePins(repository, (before) =>
      (before.trust?.number ?? 0) < seen.number ? { ...before, trust: seen } : before,
    )
  }
  if (dryRun !== true) rememberRepository(root, { location, repository: id })
}

function portsOf(place: Place, secret: OpenRequest["secret"]): OpeningPorts {
  const { store, clock = SYSTEM_CLOCK, random = SYSTEM_RANDOM } = place
  const metered = "traffic" in store ? (store as MeteredStore) : meteredStore(store)
  let asked: Promise<Secret | undefined> | undefined
  const askSecret = (): Promise<Secret | undefined> =>
    (asked ??= typeof secret === "function" ? secret() : Promise.resolve(secret))
  return { store: metered, start: metered.traffic(), clock, random, askSecret }
}

function labelOf({ label }: Place): string {
  return label ?? hostname()
}

function noSecret(): EngineError {
  const message =
    "this device has no keys for the repository yet. Give the repository's passphrase, a key file or the recovery words"
  return new EngineError("denied", "no-secret", message)
}
