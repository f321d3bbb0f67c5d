/**
 * `connect --accept-head`: the one way to move a pin back (rule R1), for a store that was put back to an
 * older state on purpose, or that has lost a part of its log for good. It tells each alarm that it takes
 * away. Caches go first, for they speak of packs that may be gone; what this device signed and the
 * store has lost is never sent or signed again, and it goes on as a new device (rule W6). spec/log.md.
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
  /** An alarm that is gone from now on; its `detail.object` is what had been seen. */
  | { readonly type: "accepted"; readonly alarm: EngineError }
  /** A snapshot that this home knew, and that the log does not have any more. */
  | { readonly type: "lost"; readonly snapshot: SnapshotRecord }

type Observe = (event: AcceptEvent) => void

/** After the first, only what other entries claim can be left; a third time means that it goes on happening. */
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

/** A device whose own entries are gone takes its new identity now, while a person is there. */
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

/** What this device has seen, and is not listed, it has not seen. */
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

/** Before the pins move: a crash in between leaves the alarm, and caches that are made anew. */
function forget(home: RepositoryHome): void {
  removeStateFiles(home.statePath)
  withholdSignedEntry(home)
}

/** The store may be older than this device's enrolment: then it comes in again, as a new one. */
async function openAnew(request: OpenRequest, home: RepositoryHome | undefined): Promise<Repository> {
  try {
    return await openRepository(request)
  } catch (error) {
    if (home === undefined || !isEngineError(error, "not-a-member")) throw error
    fs.rmSync(home.devicePath, { force: true })
    return await openRepository(request)
  }
}
