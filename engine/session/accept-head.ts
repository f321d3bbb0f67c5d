/**
 * `connect --accept-head`: the only way to move a pin back (rule R1), for a store that was put back to an
 * older state on purpose or has lost part of its log for good. Each alarm that is accepted is reported.
 * The caches are removed first, because they may name packs that are gone. What this device signed and the
 * store lost is never sent or signed again; the device continues as a new one (rule W6). spec/log.md.
 */
import * as fs from "node:fs"
import { type EngineError, isEngineError } from "../base/errors.ts"
import { digestOf } from "../crypto/digest.ts"
import { readDeviceFile } from "../home/device-file.ts"
import { openRepositoryHome, type RepositoryHome } from "../home/home.ts"
import { repositoryAt } from "../home/last-repository.ts"
import { readPins, updatePins } from "../home/pins.ts"
import { removeStateFiles } from "../home/state-database.ts"
import { openRepository, type OpenRequest } from "./open-repository.ts"
import { openLocalState } from "./assemble-repository.ts"
import type { Repository } from "./repository.ts"
import { repositoryGone, repositorySwapped, readRepositoryObject } from "./repository-object.ts"
import { missingPins } from "../log/log-check.ts"
import { hasEntry, hasTrust, listLog } from "../log/log-names.ts"
import { look, lookToWrite } from "./look.ts"
import { withholdSignedEntry } from "../log/signed-file.ts"
import type { SnapshotRecord } from "../log/view.ts"

export type AcceptEvent =
  /** An alarm that will not be raised again. Its `detail.object` is what had been seen. */
  | { readonly type: "accepted"; readonly alarm: EngineError }
  /** A snapshot that this home knew and the log no longer has. */
  | { readonly type: "lost"; readonly snapshot: SnapshotRecord }

type Observe = (event: AcceptEvent) => void

/** After the first round only claims of other entries can be left. More than three mean that the log keeps changing. */
const ROUNDS_MAX = 3

/**
 * Opens a repository whose store was put back to an older state, and accepts what it holds now.
 * Reports no event if nothing was wrong.
 * @throws as `openRepository`; denied "enrol-anew" if this device must continue as a new one and no secret is
 * given; untrusted if the place holds no repository or another one, or if the log keeps changing
 */
export async function acceptHead(request: OpenRequest, observe: Observe): Promise<Repository> {
  for (let round = 1; ; round++) {
    const known = repositoryAt(request.home, request.store.location)
    const home = known === undefined ? undefined : openRepositoryHome(request.home, known)
    if (home !== undefined) await movePinsBack(request, home, observe)
    const repository = await openAnew(request, home)
    const { problems } = await look(repository, { tolerant: true })
    const standing = problems.filter(({ kind }) => kind === "untrusted")
    const [first] = standing
    if (first === undefined) return await readyToWrite(request, repository)
    repository.close()
    if (round === ROUNDS_MAX) throw first
    for (const alarm of standing) observe({ type: "accepted", alarm })
    forget(repository.home)
    updatePins(repository.home, (pins) => ({
      ...pins,
      accepted: [...new Set([...pins.accepted, ...standing.map(({ detail }) => String(detail["object"]))])],
    }))
  }
}

/** A device whose own entries are gone takes its new identity now, while a person can give a secret. */
async function readyToWrite({ write }: OpenRequest, repository: Repository): Promise<Repository> {
  if (write !== true || repository.session.device === undefined) return repository
  try {
    await lookToWrite(repository)
    return repository
  } catch (error) {
    repository.close()
    throw error
  }
}

/** Removes the pins of what is not listed. */
async function movePinsBack({ store }: OpenRequest, home: RepositoryHome, observe: Observe): Promise<void> {
  const device = readDeviceFile(home)
  const pins = readPins(home)
  const object = await readRepositoryObject(store)
  const known = { store, id: home.repository }
  if (object === undefined) throw repositoryGone(known)
  if (device !== undefined && digestOf(object) !== device.repositoryDigest) throw repositorySwapped(known)
  const names = await listLog(store)
  const missing = missingPins({ names, pins, own: device?.device, labels: new Map() })
  if (missing.length === 0) return
  for (const alarm of missing) observe({ type: "accepted", alarm })
  const state = openLocalState(home)
  try {
    const isListed = ({ device: of, sequence, digest }: SnapshotRecord): boolean =>
      hasEntry(names, of, { sequence, digest })
    for (const snapshot of state.log.snapshots({}))
      if (!isListed(snapshot)) observe({ type: "lost", snapshot })
  } finally {
    state.close()
  }
  forget(home)
  updatePins(home, (before) => ({
    ...before,
    heads: before.heads.filter((head) => hasEntry(names, head.device, head)),
    trust: before.trust !== null && hasTrust(names, before.trust) ? before.trust : null,
    lastLookNs: null,
  }))
}

/** Called before the pins move: a crash in between leaves the alarm, and caches that are rebuilt. */
function forget(home: RepositoryHome): void {
  removeStateFiles(home.statePath)
  withholdSignedEntry(home)
}

/** If the store is older than this device's enrolment, the home is enrolled as a new device. */
async function openAnew(request: OpenRequest, home: RepositoryHome | undefined): Promise<Repository> {
  try {
    return await openRepository(request)
  } catch (error) {
    if (home === undefined || !isEngineError(error, "not-a-member")) throw error
    fs.rmSync(home.devicePath, { force: true })
    return await openRepository(request)
  }
}
