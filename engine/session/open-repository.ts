/**
 * Opens a repository: from a store, a home and, if this home has no keys for it yet, a secret, to the
 * `Repository` that every verb takes. open-trust.ts verifies what was found, enrol.ts makes this home a
 * device, assemble-repository.ts puts the result together. spec/trust.md.
 */
import { hostname } from "node:os"
import { EngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { type Clock, type Random, SYSTEM_CLOCK } from "../base/ports.ts"
import { REPOSITORY_NAME } from "../format/names.ts"
import type { Role } from "../format/trust-entry.ts"
import { openDryHome, type DryHome } from "../home/dry-home.ts"
import { readDeviceFile } from "../home/device-file.ts"
import { type Home, openRepositoryHome, type RepositoryHome } from "../home/home.ts"
import { devicesIn, rememberRepository, repositoryAt } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import {
  assembleRepository,
  type LocalState,
  openLocalState,
  type OpeningPorts,
  type Parts,
  SYSTEM_RANDOM,
} from "./assemble-repository.ts"
import { meteredStore, type MeteredStore } from "../store/wrappers/metered-store.ts"
import type { Store } from "../store/store.ts"
import { enrolDevice, keepDevice, makeDevice, roleOf } from "./enrol.ts"
import { repositoryGone, repositorySwapped, readRepositoryObject } from "./repository-object.ts"
import { refuseMirror } from "../log/mirror.ts"
import type { Repository } from "./repository.ts"
import { movePins } from "./session.ts"
import { findRepository, type FoundRepository, openAsDevice, openWithSecret } from "./open-trust.ts"
import type { Secret } from "../trust/unlock.ts"

export interface Place {
  readonly store: Store
  readonly home: Home
  /** This device's name for people; by default the machine's name. */
  readonly label?: string
  readonly clock?: Clock
  readonly random?: Random
}

export interface OpenRequest extends Place {
  /** Needed only if this home is not a device of the repository. */
  readonly secret?: Secret | (() => Promise<Secret | undefined>) | undefined
  /** Enrols this home as a device if it is not one. */
  readonly write?: boolean
  /** Of a device that is enrolled now; default: the highest that the secret may give. */
  readonly role?: Role
  /** No verb on this repository changes the store or the home. Not together with `write`. */
  readonly dryRun?: boolean
}

/** Closes the databases if `use` throws. */
export function withState(
  home: RepositoryHome | DryHome,
  use: (state: LocalState) => Repository,
): Repository {
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

/** Undefined if this home is not a device of the repository. */
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

/** A home with keys is not advised to create another repository. */
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
    const role = request.role === "writer" ? "writer" : roleOf(opened, slot)
    const how = { role, slot, continues: null } as const
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

/** Pins the trust state that the repository was opened with, unless a newer one is pinned. Remembers the location. */
export function remember(
  { home: root, dryRun }: Place & Pick<OpenRequest, "dryRun">,
  repository: Repository,
): void {
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

export function portsOf(place: Place, secret: OpenRequest["secret"]): OpeningPorts {
  const { store, clock = SYSTEM_CLOCK, random = SYSTEM_RANDOM } = place
  const metered = "traffic" in store ? (store as MeteredStore) : meteredStore(store)
  let asked: Promise<Secret | undefined> | undefined
  const askSecret = (): Promise<Secret | undefined> =>
    (asked ??= typeof secret === "function" ? secret() : Promise.resolve(secret))
  return { store: metered, start: metered.traffic(), clock, random, askSecret }
}

export function labelOf({ label }: Place): string {
  return label ?? hostname()
}

export function noSecret(): EngineError {
  const message =
    "this device has no keys for the repository yet. Give the repository's passphrase, a key file or the recovery words"
  return new EngineError("denied", "no-secret", message)
}
