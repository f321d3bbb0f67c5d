/**
 * Finds the snapshot that a caller of the agent's tools means: "latest", "undo", an ISO time with a zone, or an id.
 * Only the agent's own series counts. A flagged snapshot is taken only by its exact timestamp or its id.
 */
import { snapshots, type Repository, type Snapshot } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { SnapshotFlag, Warning } from "../results.ts"
import type { Host, Setup } from "../setup.ts"
import { readLast } from "./last.ts"

export interface Chosen {
  readonly snapshot: Snapshot
  /** ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string
  /** Null also for a flagged snapshot that was accepted. */
  readonly flag: SnapshotFlag
  readonly warnings: readonly Warning[]
  /** It undoes the last restore. */
  readonly isUndo: boolean
}

const ID_DIGITS_MIN = 8

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/i

/** @throws AgentProblem "no-snapshot", "nothing-to-undo", "time-without-zone", "bad-timestamp" or "ambiguous-id" */
export async function resolveTimestamp(
  setup: Pick<Setup, "series" | "stateFolder">,
  repository: Repository,
  timestamp: string,
  by: Host = "mcp",
): Promise<Chosen> {
  const lister = by === "cli" ? "holdfast agent status" : "sync_status"
  const all = await snapshots(repository, { series: setup.series })
  const good = new Set(all.flatMap((each) => (each.good ? [each.digest] : [])))
  const series: Series = { all, isGood: ({ digest }) => good.has(digest), lister }
  const text = timestamp.trim()
  if (text === "undo") return chosen(series, undoSnapshot(setup, all), { isUndo: true })
  if (all.length === 0)
    throw new AgentProblem(
      "no-snapshot",
      "this agent has no snapshot yet",
      `make one: ${by === "cli" ? "holdfast agent sync" : "sync_now"}`,
    )
  if (text === "latest") return latest(series)
  if (/^[0-9a-f]+$/i.test(text)) return chosen(series, byId(series, text.toLowerCase()))
  return byTime(series, text)
}

/** ISO 8601 in UTC with milliseconds, as sync_status lists it. */
export function timestampOf({ timeNs }: Pick<Snapshot, "timeNs">): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString()
}

interface Series {
  /** Oldest first. */
  readonly all: readonly Snapshot[]
  readonly isGood: (snapshot: Snapshot) => boolean
  /** What lists the snapshots, for advice. */
  readonly lister: string
}

function chosen(
  { isGood }: Series,
  snapshot: Snapshot,
  { warnings = [], isUndo = false }: { warnings?: readonly Warning[]; isUndo?: boolean } = {},
): Chosen {
  const flag = isGood(snapshot) ? null : snapshot.flag
  return { snapshot, timestamp: timestampOf(snapshot), flag, warnings, isUndo }
}

function latest(series: Series): Chosen {
  const found = series.all.findLast(series.isGood)
  if (found !== undefined) return chosen(series, found, { warnings: skipped(series, found) })
  throw new AgentProblem(
    "no-snapshot",
    "every snapshot of this agent is flagged, so none is the latest good one",
    `give one by its timestamp; ${series.lister} lists them`,
  )
}

/** Says which wiped states were passed over. Snapshots before a restore are never meant. */
function skipped({ all, isGood }: Series, found: Snapshot, limitNs = all.at(-1)?.timeNs ?? 0n): Warning[] {
  const passed = all.filter(
    (each) =>
      each.flag === "suspected-wipe" && !isGood(each) && each.timeNs > found.timeNs && each.timeNs <= limitNs,
  )
  const newest = passed.at(-1)
  if (newest === undefined) return []
  const what = passed.length === 1 ? "1 newer snapshot is" : `${passed.length} newer snapshots are`
  return [
    {
      code: "skipped-wipe",
      message: `${what} flagged as a suspected wipe and skipped, the newest of ${timestampOf(newest)}`,
      hint: `if that state is right: holdfast agent accept ${newest.shortId}`,
    },
  ]
}

function undoSnapshot(setup: Pick<Setup, "stateFolder">, all: readonly Snapshot[]): Snapshot {
  const last = readLast(setup.stateFolder)
  if (last === undefined)
    throw new AgentProblem("nothing-to-undo", "no restore was made in this workspace on this machine")
  if (last.undo === null)
    throw new AgentProblem(
      "nothing-to-undo",
      "the workspace was empty before the last restore, so there is no earlier state to go back to",
    )
  const { snapshot: id, timestamp } = last.undo
  const found = all.find(({ digest }) => digest === id)
  if (found !== undefined) return found
  throw new AgentProblem(
    "no-snapshot",
    `the snapshot from before the last restore (${timestamp}) is no longer in the repository`,
  )
}

function byId({ all, lister }: Series, id: string): Snapshot {
  if (id.length < ID_DIGITS_MIN)
    throw new AgentProblem(
      "bad-timestamp",
      `"${id}" is too short for a snapshot id`,
      `use at least ${ID_DIGITS_MIN} digits; ${lister} lists the snapshots`,
    )
  const [found, second] = all.filter(({ digest }) => digest.startsWith(id))
  if (second !== undefined)
    throw new AgentProblem("ambiguous-id", `"${id}" matches several snapshots`, "give more digits")
  if (found !== undefined) return found
  throw new AgentProblem("no-snapshot", `this agent has no snapshot ${id}; ${range(all)}`, lists(lister))
}

function lists(lister: string): string {
  return `${lister} lists the newest; latest is the newest good one`
}

function byTime(series: Series, text: string): Chosen {
  const { all, isGood, lister } = series
  const atNs = parseTime(text, lister)
  const milliseconds = atNs / 1_000_000n
  const isExact = /[.,]\d{3,}/.test(text)
  const exact = isExact ? all.findLast((each) => each.timeNs / 1_000_000n === milliseconds) : undefined
  if (exact !== undefined) return chosen(series, exact)
  const found = all.findLast((each) => each.timeNs <= atNs && isGood(each))
  if (found !== undefined) return chosen(series, found, { warnings: skipped(series, found, atNs) })
  throw new AgentProblem("no-snapshot", `no snapshot is as old as ${text}; ${range(all)}`, lists(lister))
}

function range(all: readonly Snapshot[]): string {
  const [oldest] = all
  const newest = all.at(-1)
  if (oldest === undefined || newest === undefined) return "there are none"
  return `the oldest is of ${timestampOf(oldest)}, the newest of ${timestampOf(newest)}`
}

/** Nanoseconds since 1970. A time without seconds means its last moment. */
function parseTime(text: string, lister: string): bigint {
  const match = TIME.exec(text)
  if (match === null) {
    if (/^\d{4}-\d\d-\d\d$/.test(text))
      throw withoutZone(`${text}T23:59:59`, `"${text}" has no time and no zone`)
    throw new AgentProblem(
      "bad-timestamp",
      `"${text.slice(0, 80)}" is not a time, a snapshot id, latest or undo`,
      `write a time like 2026-12-01T13:45:00Z, or take a timestamp from ${lister}`,
    )
  }
  const [, day = "", minute = "", second, fraction, zone] = match
  const clock = `${day}T${minute}:${second ?? "59"}`
  if (Number.isNaN(Date.parse(`${clock}Z`)) || !isDay(day))
    throw new AgentProblem(
      "bad-timestamp",
      `"${text}" is not a time that exists`,
      "check its month, day and hour",
    )
  if (zone === undefined) throw withoutZone(`${day}T${minute}:${second ?? "00"}`, `"${text}" has no zone`)
  const offset = zone.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")
  const milliseconds = Date.parse(`${clock}${offset}`)
  if (Number.isNaN(milliseconds))
    throw new AgentProblem("bad-timestamp", `"${text}" has a zone that does not exist`, "write Z or +01:00")
  if (second === undefined) return BigInt(milliseconds) * 1_000_000n + 999_999_999n
  return BigInt(milliseconds) * 1_000_000n + fractionNs(fraction)
}

/** A time in milliseconds, as sync_status lists it, includes the whole millisecond. */
function fractionNs(fraction: string | undefined): bigint {
  if (fraction === undefined) return 0n
  return BigInt(fraction.length === 3 ? `${fraction}999999` : fraction.padEnd(9, "0"))
}

/** Date.parse takes the 31st of a month with 30 days for the next month's first. */
function isDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

function withoutZone(clock: string, what: string): AgentProblem {
  const local = new Date(clock)
  const minutes = Number.isNaN(local.getTime()) ? 0 : -local.getTimezoneOffset()
  const sign = minutes < 0 ? "-" : "+"
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, "0")
  const zone = minutes === 0 ? "Z" : `${sign}${two(minutes / 60)}:${two(minutes % 60)}`
  return new AgentProblem(
    "time-without-zone",
    `${what}, so it is not clear which moment it means`,
    `write ${clock}Z for UTC${zone === "Z" ? "" : `, or ${clock}${zone} for this machine's time`}`,
  )
}
