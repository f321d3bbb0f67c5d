/**
 * A look: one LIST of the log. Nothing that was seen before may be missing (rule R1). New entries are
 * fetched, verified and taken into the local index. Then the pins move to what was seen, in memory alone if nothing
 * is new. spec/log.md.
 */
import { EngineError } from "../base/errors.ts"
import type { DeviceId } from "../base/ids.ts"
import type { Head } from "../format/entry.ts"
import type { PinnedHead, Pins } from "../home/pins.ts"
import { lockChain } from "../home/series-lock.ts"
import { enrolAnew } from "./enrol.ts"
import { explainAlarm } from "./repository-object.ts"
import { type Extent, importEntries } from "./import-entries.ts"
import { checkLog, type Claim, withoutAccepted } from "../log/log-check.ts"
import { hasEntry, listLog, type LogNames } from "../log/log-names.ts"
import { refuseMirror } from "../log/mirror.ts"
import { settleOwnChain } from "./own-chain.ts"
import { refreshTrust } from "./accepted-trust.ts"
import type { Repository } from "./repository.ts"
import { movePins, noteAlarm, rereadPins, takeList, warnOnce } from "./session.ts"
import { presentEnd } from "../log/sources.ts"
import type { View } from "../log/view.ts"

/** A commit may take this long on a slow store. */
export const CHAIN_WAIT_MS = 120_000

/** The oldest listing from opening the repository that the first look may use. */
const LISTED_NS_MAX = 10_000_000_000n

/** If a look finds nothing new, its time is pinned at most this often: each write flushes. */
const LOOK_PINNED_EVERY_NS = 3600n * 1_000_000_000n

export interface LookOptions {
  /** Alarms are in the view's problems and are not thrown: for verbs that must go on. */
  readonly tolerant?: boolean
  /** The caller reports the view's problems. Otherwise each becomes a warning. */
  readonly reported?: boolean
}

export interface Examined {
  readonly names: LogNames
  readonly problems: readonly EngineError[]
}

/**
 * One LIST, and one GET for each entry that is new to this home. Damage is in `problems`.
 * @throws untrusted if what was seen is missing, forked, or not signed by a device that may write
 */
export async function look(repository: Repository, options: LookOptions = {}): Promise<View> {
  const { problems } = await lookAt(repository, () => "all", options)
  return viewOf(repository, problems)
}

/** A look that fetches only `extent` of what is listed. Only "all" moves the pinned time of the last look. */
export async function lookAt(
  repository: Repository,
  extent: (names: LogNames) => Extent,
  { tolerant = false, reported = false }: LookOptions = {},
): Promise<Examined> {
  let found = await examine(repository, await firstListing(repository), extent)
  // An object may have been put after the LIST, and then named by an entry that was read.
  if (found.problems.some(isAlarm)) found = await examine(repository, await freshListing(repository), extent)
  const { names, problems } = found
  const alarm = problems.find(isAlarm)
  if (alarm === undefined) pinWhatWasSeen(repository, names, extent(names) === "all")
  else await raise(repository, alarm, tolerant)
  if (!reported) for (const problem of problems) if (problem !== alarm) warnOnce(repository, problem.message)
  return found
}

/**
 * The look that a writing run starts with. It also sends what a killed run had signed, and takes a new
 * device id if this home was cloned or restored (rule W6).
 */
export async function lookToWrite(repository: Repository): Promise<View> {
  if (repository.session.device === undefined) throw notEnrolled()
  const { names, problems } = await lookAt(repository, () => "all")
  refuseMirror(names, repository.store)
  const view = viewOf(repository, problems)
  await requireMember(repository)
  const lock = await lockChain(repository.home, CHAIN_WAIT_MS)
  try {
    if (!(await settleOwnChain(repository))) return view
  } finally {
    lock.release()
  }
  return await look(repository)
}

/** The view as of the last look, from the home. No request. */
export function localView(repository: Repository): View {
  return viewOf(repository, [])
}

async function firstListing(repository: Repository): Promise<LogNames> {
  const listed = takeList(repository)
  if (listed === undefined) return await freshListing(repository)
  const age = repository.clock.now() - listed.atNs
  return age >= 0n && age <= LISTED_NS_MAX ? listed.names : await freshListing(repository)
}

/** Pins are read before the LIST: another run of this device may add to them meanwhile. */
async function freshListing(repository: Repository): Promise<LogNames> {
  rereadPins(repository)
  return await listLog(repository.store)
}

async function examine(
  repository: Repository,
  names: LogNames,
  extent: (names: LogNames) => Extent,
): Promise<Examined> {
  const damaged = await refreshTrust(repository, names)
  const imported = await importEntries(repository, names, extent(names))
  const { log } = repository
  const { pins, device, trust } = repository.session
  const claims = claimsOf(repository, names)
  const state = { names, pins, own: device?.id, claims, verified: log.verified(), labels: trust.labels }
  return { names, problems: [...damaged, ...checkLog(state), ...withoutAccepted(imported, pins)] }
}

/** The newest entry of a chain is enough: it names the same or newer heads than those before it. */
function claimsOf({ log }: Repository, names: LogNames): Claim[] {
  const claims: Claim[] = []
  for (const head of log.heads()) {
    const entry = hasEntry(names, head.device, head) ? log.entry(head.digest) : undefined
    if (entry === undefined) continue
    claims.push({ by: head.device, heads: entry.heads, trust: entry.trust })
  }
  return claims
}

/** Throws the alarm, or notes it for a verb that goes on: the run then fails at its end. */
async function raise(repository: Repository, alarm: EngineError, tolerant: boolean): Promise<void> {
  repository.log.verify() // first make sure that the damage is not in the local cache
  const explained = await explainAlarm(repository, alarm)
  if (!tolerant) throw explained
  noteAlarm(repository, explained)
}

function isAlarm(error: EngineError): boolean {
  return error.kind === "untrusted"
}

/** Moves the pins to what was seen. A look that found nothing new is written only now and then. */
function pinWhatWasSeen(repository: Repository, names: LogNames, isWhole: boolean): void {
  const { log, clock } = repository
  const { trust, pins } = repository.session
  const seen = log.heads().filter((head) => hasEntry(names, head.device, head))
  const nowNs = clock.now()
  const seenIn = (known: Pins): Pins => ({
    ...known,
    heads: newerHeads(known.heads, seen),
    trust:
      (known.trust?.number ?? 0) > trust.number
        ? known.trust
        : { number: trust.number, digest: trust.digest },
    lastLookNs: isWhole ? nowNs : known.lastLookNs,
  })
  const age = nowNs - (pins.lastLookNs ?? 0n)
  const isNew = seen.some(({ device, sequence }) => sequence > pinnedSequence(pins.heads, device))
  const isTold = age >= 0n && age < LOOK_PINNED_EVERY_NS && (pins.trust?.number ?? 0) >= trust.number
  movePins(repository, seenIn, isNew || !isTold)
}

function pinnedSequence(pinned: readonly PinnedHead[], device: DeviceId): number {
  return pinned.find((head) => head.device === device)?.sequence ?? 0
}

function newerHeads(pinned: readonly PinnedHead[], seen: readonly Head[]): PinnedHead[] {
  const heads = new Map(pinned.map((head) => [head.device, head]))
  for (const { device, sequence, digest } of seen) {
    if (sequence > (heads.get(device)?.sequence ?? 0)) heads.set(device, { device, sequence, digest })
  }
  return [...heads.values()]
}

/** Enrols this device again if two simultaneous trust changes dropped it. Refuses a revoked device. */
async function requireMember(repository: Repository): Promise<void> {
  const { device, trust, excludedBy } = repository.session
  const { devices } = excludedBy ?? trust.state
  const member = devices.find((each) => each.id === device?.id)
  if (member === undefined)
    return await enrolAnew(repository, "this device's enrolment is missing from the repository", null)
  if (member.status === "active") return
  const message = `this device was ${member.status} and can no longer write to the repository`
  throw new EngineError("denied", "device-ended", message)
}

export function notEnrolled(): EngineError {
  const message =
    "this device is not enrolled in the repository and can only read. Run the command again with a secret to enrol it"
  return new EngineError("denied", "not-enrolled", message)
}

function viewOf({ log, session, clock }: Repository, problems: readonly EngineError[]): View {
  return {
    newest: (series) => log.newest(series, presentEnd(clock.now())),
    snapshots: (filter = {}) => log.snapshots(filter),
    series: () => log.series(),
    has: (digest) => log.has(digest),
    heads: log.heads(),
    gc: null,
    problems,
    lookedNs: session.pins.lastLookNs ?? 0n,
  }
}
