/**
 * `status`: what this home knows of a repository: its device, the series and sources that it backs up, when
 * each was saved last, and what is wrong. Answered from the home alone; the store is asked nothing.
 */
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, RawPath } from "../base/ids.ts"
import { shellWord } from "../base/shell-word.ts"
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
import { devicesContinued, isFuture, newestOfSources } from "../session/sources.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { unfinished, type Finding } from "./finding.ts"

export interface SourceStatus {
  readonly series: string
  readonly host: string
  readonly paths: readonly RawPath[]
  /** The newest snapshot of the source. */
  readonly snapshot: SnapshotRecord
  /** When a run of the series began last on this device: later than the snapshot where nothing had changed. */
  readonly lastRunNs: bigint | undefined
}

export interface HomeStatus {
  readonly repository: (KnownRepository & { readonly isDefault: boolean }) | undefined
  readonly device: { readonly id: DeviceId; readonly label: string } | undefined
  /** When the store was looked at last. */
  readonly lookedNs: bigint | undefined
  /** Of this device and those that it continues. */
  readonly sources: readonly SourceStatus[]
  /** Repositories that this home knows besides. */
  readonly others: readonly KnownRepository[]
  readonly problems: readonly Finding[]
}

/** Of the repository at `location`, as the home knows it; default: the default repository. */
export function status(home: Home, location: string | undefined, nowNs: bigint): HomeStatus {
  const known = knownRepositories(home)
  const chosen = defaultRepository(home)
  const found = location === undefined ? chosen : known.find((each) => each.location === location)
  const others = known.filter((each) => each !== found && each.location !== found?.location)
  const problems: Finding[] = []
  if (found === undefined) {
    problems.push(unknownRepository(location, known, devicesIn(home).length))
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
    const own = log.snapshots({}).filter(({ device }) => devices.includes(device))
    const sources = own.length === 0 ? [] : sourcesOf(home, own)
    const device = file && { id: file.device, label: trust?.private.labels.get(file.device) ?? "" }
    return { device, lookedNs: pins?.lastLookNs ?? undefined, sources, problems }
  } finally {
    state.close()
  }
}

function sourcesOf(home: RepositoryHome, own: readonly SnapshotRecord[]): SourceStatus[] {
  const series = [...new Set(own.map((each) => each.series))].toSorted()
  return series.flatMap((name) => {
    const start = lastRunStart(home, name)
    const lastRunNs = start === undefined ? undefined : BigInt(start.getTime()) * 1_000_000n
    return newestOfSources(own.filter((each) => each.series === name)).map((snapshot) => {
      const { host, paths } = snapshot
      return { series: name, host, paths, snapshot, lastRunNs }
    })
  })
}

/** Undefined when the home's caches do not have it: the next run fetches it. */
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

/** This device and all that it continues (rule W6). */
function ownDevices(device: DeviceId, trust: OpenedTrust | undefined): DeviceId[] {
  return trust === undefined ? [device] : devicesContinued(trust.state, device)
}

function deviceProblems(file: DeviceFile | undefined, trust: OpenedTrust | undefined): Finding[] {
  if (file === undefined) {
    const message = "this device has no keys for the repository"
    return [{ level: "warning", subject: "device", message, advice: "run `holdfast connect` to make them" }]
  }
  const found = trust?.state.devices.find(({ id }) => id === file.device)
  if (trust === undefined || found?.status === "active") return []
  const message = `this device is ${found?.status ?? "unknown to the repository"}`
  return [
    {
      level: "bad",
      subject: "device",
      message,
      advice: "run `holdfast connect` with a secret to enrol it again",
    },
  ]
}

function wordsProblem(trust: OpenedTrust | undefined): Finding[] {
  if (trust === undefined || trust.state.slots.some(({ kind }) => kind === "recovery")) return []
  const message = "no recovery words open the repository"
  const advice = "run `holdfast key add --recovery` and write the words on paper"
  return [{ level: "warning", subject: "keys", message, advice }]
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

function unknownRepository(
  location: string | undefined,
  known: readonly KnownRepository[],
  devices: number,
): Finding {
  const subject = "repository"
  if (location !== undefined) {
    const message = `${location}: not known to this device`
    return { level: "bad", subject, message, advice: `run: holdfast connect ${shellWord(location)}` }
  }
  if (known.length > 0) {
    const message = "no default repository is set"
    return {
      level: "warning",
      subject,
      message,
      advice: "run `holdfast connect LOCATION --default` to set it",
    }
  }
  if (devices > 0) {
    const message = `this device has keys for ${devices === 1 ? "a repository" : `${devices} repositories`} whose location is lost`
    return { level: "bad", subject, message, advice: "run `holdfast connect LOCATION`" }
  }
  const advice =
    "run `holdfast init LOCATION` to create one, or `holdfast connect LOCATION` to use an existing one"
  return { level: "bad", subject, message: "this device knows no repository", advice }
}
