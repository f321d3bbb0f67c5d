/**
 * `status`: reports what this home knows of a repository: its device, the series and sources it
 * backs up, when each was last saved, and problems. Uses only the home and makes no requests.
 */
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, RawPath } from "../base/ids.ts"
import { shellWord } from "../base/show.ts"
import { type OpenedTrust, openTrust, verifyTrust } from "../crypto/trust-state.ts"
import type { Numbered } from "../format/entry.ts"
import { REPOSITORY_NAME, trustName } from "../format/names.ts"
import { decodeRepository } from "../format/repository-record.ts"
import { type DeviceFile, readDeviceFile } from "../home/device-file.ts"
import { type Home, openRepositoryHome, type RepositoryHome } from "../home/home.ts"
import {
  defaultRepository,
  devicesIn,
  knownRepositories,
  type KnownRepository,
} from "../home/last-repository.ts"
import { type ObjectCache, openObjectCache } from "../home/object-cache.ts"
import { readPins } from "../home/pins.ts"
import { lastRunStart } from "../home/series-lock.ts"
import { openJournal } from "../home/journal.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { type LogTable, openLogTable } from "../log/log-table.ts"
import { devicesContinued, isFuture, newestOfSources } from "../log/sources.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { type Finding, inactiveDevice, noRecoveryWords, unfinished, unknownRepository } from "./finding.ts"

export interface SourceStatus {
  readonly series: string
  readonly host: string
  readonly paths: readonly RawPath[]
  /** The newest snapshot of the source. */
  readonly snapshot: SnapshotRecord
  /**
   * When a run of the series last started on this device. Later than the snapshot if nothing had changed.
   */
  readonly lastRunNs: bigint | undefined
}

export interface HomeStatus {
  readonly repository: (KnownRepository & { readonly isDefault: boolean }) | undefined
  readonly device: { readonly id: DeviceId; readonly label: string } | undefined
  /** When the store was last looked at. */
  readonly lookedNs: bigint | undefined
  /** Sources of this device, of the devices that it continues, and of series that ran here. */
  readonly sources: readonly SourceStatus[]
  /** Other repositories that this home knows. */
  readonly others: readonly KnownRepository[]
  readonly problems: readonly Finding[]
}

/**
 * Reports from this home's files alone, without a request.
 * @param location the repository's; undefined: the default repository
 * @param nowNs nanoseconds since 1970
 * @example
 * const { sources } = status(home, store.location, BigInt(Date.now()) * 1_000_000n)
 */
export function status(home: Home, location: string | undefined, nowNs: bigint): HomeStatus {
  const known = knownRepositories(home)
  const chosen = defaultRepository(home)
  const found = location === undefined ? chosen : known.find((each) => each.location === location)
  const others = known.filter((each) => each !== found && each.location !== found?.location)
  const problems: Finding[] = []
  if (found === undefined) {
    problems.push(notFound(location, known, devicesIn(home).length))
    return { repository: undefined, device: undefined, lookedNs: undefined, sources: [], others, problems }
  }
  const repository = { ...found, isDefault: found.location === chosen?.location }
  return { repository, others, ...examine(openRepositoryHome(home, found.repository), nowNs) }
}

type Examined = Pick<HomeStatus, "device" | "lookedNs" | "sources" | "problems">

function examine(home: RepositoryHome, nowNs: bigint): Examined {
  const problems: Finding[] = []
  const told = <T>(subject: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!isEngineError(error)) throw error
      problems.push({ level: "bad", subject, message: error.message })
      return undefined
    }
  }
  const file = told("device", () => readDeviceFile(home))
  const pins = told("home", () => readPins(home))
  const state = openStateDatabase(home)
  try {
    const log = openLogTable(state.database)
    const pin = pins?.trust ?? undefined
    const trust = file && pin && openKnownTrust(openObjectCache(state.database), file, pin)
    if (problems.length === 0) problems.push(...deviceProblems(file, trust), ...wordsProblem(trust))
    problems.push(...snapshotProblems(log, nowNs))
    const packs = openJournal(state.database).pending().length
    if (packs > 0) problems.push(unfinished(packs))
    const devices = file === undefined ? [] : ownDevices(file.device, trust)
    const sources = sourcesOf(home, log.snapshots({}), devices)
    const device = file && { id: file.device, label: trust?.private.labels.get(file.device) ?? "" }
    return { device, lookedNs: pins?.lastLookNs ?? undefined, sources, problems }
  } finally {
    state.close()
  }
}

/** A series without snapshots of these devices counts if it ran here: a home made again, to which nothing was new. */
function sourcesOf(
  home: RepositoryHome,
  all: readonly SnapshotRecord[],
  devices: readonly DeviceId[],
): SourceStatus[] {
  const series = [...new Set(all.map((each) => each.series))].toSorted()
  return series.flatMap((name) => {
    const start = lastRunStart(home, name)
    const lastRunNs = start === undefined ? undefined : BigInt(start.getTime()) * 1_000_000n
    const any = all.filter((each) => each.series === name)
    const own = any.filter(({ device }) => devices.includes(device))
    return newestOfSources(own.length === 0 && start !== undefined ? any : own).map((snapshot) => {
      const { host, paths } = snapshot
      return { series: name, host, paths, snapshot, lastRunNs }
    })
  })
}

/** Returns undefined if the home's caches don't have it. The next run fetches it. */
function openKnownTrust(
  objects: ObjectCache,
  { repository, sealing }: DeviceFile,
  pin: Numbered,
): OpenedTrust | undefined {
  const record = objects.get(REPOSITORY_NAME)
  const bytes = objects.get(trustName(pin.number, pin.digest))
  if (record === undefined || bytes === undefined) return undefined
  try {
    const { root } = decodeRepository(record, REPOSITORY_NAME)
    return openTrust(verifyTrust(bytes, { ...pin, repository, root }), sealing)
  } catch (error) {
    if (!isEngineError(error)) throw error
    return undefined
  }
}

/** Returns this device and all devices that it continues (rule W6). */
function ownDevices(device: DeviceId, trust: OpenedTrust | undefined): DeviceId[] {
  return trust === undefined ? [device] : devicesContinued(trust.state, device)
}

function deviceProblems(file: DeviceFile | undefined, trust: OpenedTrust | undefined): Finding[] {
  if (file === undefined) {
    const message = "this device has no keys for the repository"
    return [{ level: "warning", subject: "device", message, advice: "run `holdfast connect` to make them" }]
  }
  const found = trust?.state.devices.find(({ id }) => id === file.device)
  return trust === undefined || found?.status === "active" ? [] : [inactiveDevice(found?.status)]
}

function wordsProblem(trust: OpenedTrust | undefined): Finding[] {
  if (trust === undefined || trust.state.slots.some(({ kind }) => kind === "recovery")) return []
  return [noRecoveryWords()]
}

function snapshotProblems(log: LogTable, nowNs: bigint): Finding[] {
  const all = log.snapshots({})
  const newest = all.at(-1)
  if (newest === undefined) {
    const message = "no snapshots are known to this device"
    return [{ level: "warning", subject: "snapshots", message, advice: "run `holdfast backup FOLDER`" }]
  }
  if (!isFuture(newest, nowNs)) return []
  const message = `snapshot ${newest.shortId} is dated in the future`
  const advice = "check the clocks of this machine and of the one that made it"
  return [{ level: "warning", subject: "clock", message, advice }]
}

function notFound(location: string | undefined, known: readonly KnownRepository[], devices: number): Finding {
  const subject = "repository"
  if (location !== undefined) {
    const message = `${location}: not known to this device`
    return { level: "bad", subject, message, advice: `run: holdfast connect ${shellWord(location)}` }
  }
  if (known.length === 0) return unknownRepository(devices, "bad")
  const message = "no default repository is set"
  const advice = "run `holdfast connect LOCATION --default` to set it"
  return { level: "warning", subject, message, advice }
}
