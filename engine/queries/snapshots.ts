/**
 * Finds snapshots by the addresses that people type: an id's prefix, `latest`, `latest~2`, or a
 * time, optionally followed by `:sub/path`. spec/names.md.
 */
import { EngineError } from "../base/errors.ts"
import type { Digest, RawPath } from "../base/ids.ts"
import { rawPathFromText, showPath } from "../base/paths.ts"
import { showText, showTime } from "../base/show.ts"
import { originOf, pathsInside } from "../source/inside.ts"
import { lookUp } from "../listing/look-up.ts"
import { glance, type Glance } from "../session/glance.ts"
import { look } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import {
  isFuture,
  LABEL_OPTION,
  LIVE_NS,
  newestOfSources,
  SHARED_OPTION,
  type SnapshotSource,
  sourceKey,
} from "../log/sources.ts"
import { noteUnread, rememberList, warnOnce } from "../session/session.ts"
import type { SnapshotFilter, SnapshotRecord, View } from "../log/view.ts"
import { goodAmong, type JudgedSnapshot, pickLatest, warnIfFlagged } from "./latest.ts"
import { openNodeReader } from "./node-reader.ts"

export interface Snapshot extends JudgedSnapshot {
  /** The digest, under the name that scripts use. */
  readonly id: Digest
  /** The device's name; "" if it has none. */
  readonly deviceLabel: string
  /** The note that was stored with it; null if there is none. */
  readonly label: string | null
}

export interface FoundSnapshot {
  readonly snapshot: Snapshot
  /** "" for the whole snapshot. */
  readonly path: RawPath
}

const ID_DIGITS_MIN = 4
/** How many snapshots an error lists. */
const EXAMPLES_MAX = 5

/**
 * Lists the snapshots that match, oldest first. One LIST, and a GET for each entry that this home has not seen.
 * @throws untrusted if the store lost or changed what this device has seen; unavailable or denied as the store
 * @example
 * for (const { shortId, paths } of await snapshots(repository)) console.log(shortId, paths.map(showPath))
 */
export async function snapshots(repository: Repository, filter: SnapshotFilter = {}): Promise<Snapshot[]> {
  const view = await look(repository, { tolerant: true })
  noteUnread(repository, view.problems)
  return snapshotsIn(repository, view, filter)
}

/** Like `snapshots()`, from an existing view. */
export function snapshotsIn(repository: Repository, view: View, filter: SnapshotFilter = {}): Snapshot[] {
  const found = view.snapshots(filter)
  // the accepting snapshot may not match the filter
  const all = found.some(({ flag }) => flag !== null) ? view.snapshots({ series: filter.series }) : found
  const isGood = goodAmong(all)
  return found.map((record) => named(repository, record, isGood(record)))
}

function named({ session: { trust } }: Repository, record: SnapshotRecord, good: boolean): Snapshot {
  const { digest, device, options } = record
  return {
    ...record,
    id: digest,
    deviceLabel: trust.labels.get(device) ?? "",
    label: options[LABEL_OPTION] ?? null,
    good,
  }
}

/**
 * Finds the snapshot that a person named. One LIST; an empty home reads as few entries as possible.
 * @param address at least 4 digits of an ID, `latest`, `latest~N` or a time, optionally followed by `:PATH`
 * @throws not-found "no-snapshot", which lists the snapshots that exist; invalid "several-series" if `latest` has
 * several candidates, "ambiguous-id" or "snapshot-address"
 * @example
 * const { snapshot } = await findSnapshot(repository, "latest")
 */
export async function findSnapshot(
  repository: Repository,
  address: string,
  filter: SnapshotFilter = {},
): Promise<FoundSnapshot> {
  const { name, path } = splitAddress(address)
  const snapshot =
    (await findByGlance(repository, name, filter)) ?? (await findAmongAll(repository, name, filter))
  return { snapshot, path: await pathIn(repository, snapshot, rawPathFromText(path)) }
}

/** Costs one look-up for each further meaning of a path. Almost no path has one. */
async function pathIn(repository: Repository, snapshot: Snapshot, typed: RawPath): Promise<RawPath> {
  const [first = "" as RawPath, ...others] = pathsInside(originOf(snapshot), typed)
  if (others.length === 0) return first
  const load = openNodeReader(repository).listing(snapshot.series)
  for (const path of [first, ...others]) {
    if ((await lookUp(snapshot.root, load, path)) !== undefined) return path
  }
  return first
}

async function findAmongAll(repository: Repository, name: string, filter: SnapshotFilter): Promise<Snapshot> {
  const view = await look(repository, { tolerant: true })
  const all = snapshotsIn(repository, view, filter)
  const isLatest = name.startsWith("latest")
  const snapshot = isLatest ? latestOf(repository, all, name) : pick(name, all)
  // an id that was found is right, whatever else exists
  if (snapshot === undefined || !isId(name)) noteUnread(repository, view.problems)
  if (snapshot === undefined) {
    throw all.length === 0 ? noMatch(filter, snapshotsIn(repository, view)) : noSnapshot(name, all)
  }
  if (!isId(name)) warnOfNewer(repository, snapshot, view.problems)
  if (isTime(name)) warnIfFlagged(repository, { name, chosen: snapshot, all })
  if (isLatest || isTime(name)) warnOfOtherSources(repository, name, snapshot, all)
  return snapshot
}

/** Returns undefined if the whole log is needed or already known. */
async function findByGlance(
  repository: Repository,
  name: string,
  { series, ...others }: SnapshotFilter,
): Promise<Snapshot | undefined> {
  const isFiltered = Object.values(others).some((each) => each !== undefined && each.length > 0)
  if (isFiltered || (name !== "latest" && !(isId(name) && series === undefined))) return undefined
  const seen = await glance(repository)
  const found = seen.isWhole ? undefined : await pickFrom(seen, name, series)
  // choices that may need a warning are made among all snapshots
  const isPlain =
    isId(name) ||
    (found?.options[SHARED_OPTION] === undefined &&
      !isFuture(found ?? { timeNs: 0n }, repository.clock.now()))
  // only the whole log says whether a flagged snapshot was accepted
  if (found === undefined || !isPlain || found.flag !== null) {
    rememberList(repository, seen.listed)
    return undefined
  }
  if (!isId(name)) {
    noteUnread(repository, seen.problems)
    warnOfNewer(repository, found, seen.problems)
  }
  return named(repository, found, true)
}

function isId(name: string): boolean {
  return /^[0-9a-f]+$/.test(name)
}

function isTime(name: string): boolean {
  return /^\d{4}-/.test(name)
}

/** A damaged entry reveals neither its series nor its time. */
function warnOfNewer(
  repository: Repository,
  { shortId, timeNs }: SnapshotRecord,
  problems: readonly EngineError[],
): void {
  const entries = problems.filter(({ detail }) => /^log\/[0-9a-f]{32}\//.test(String(detail["object"])))
  if (entries.length === 0) return
  const what = entries.length === 1 ? "1 entry of the log" : `${entries.length} entries of the log`
  warnOnce(
    repository,
    `${what} cannot be read. There may be a newer snapshot than ${shortId} of ${showTime(timeNs)}, which is used here`,
  )
}

async function pickFrom(
  seen: Glance,
  name: string,
  series: string | undefined,
): Promise<SnapshotRecord | undefined> {
  if (name === "latest" && series === undefined) requireOneSeries([...(seen.newest?.keys() ?? [])])
  const newest = [...(seen.newest?.values() ?? [])].filter(
    (each) => series === undefined || each.series === series,
  )
  const [place, another] = name === "latest" ? newest : seen.named(name)
  return place === undefined || another !== undefined ? undefined : await seen.snapshot(place)
}

interface Address {
  readonly name: string
  /** As typed: absolute, or inside the snapshot. */
  readonly path: string
}

/** Splits at a colon only after a complete name, so the colons of a time aren't separators. */
export function splitAddress(address: string): Address {
  const match =
    /^([0-9a-f]{4,64}|latest(?:~\d+)?|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)(?::(.*))?$/s.exec(
      address,
    )
  if (match === null) {
    const message = `"${address}" is not a snapshot. Use at least ${ID_DIGITS_MIN} digits of an ID, latest, latest~2 or a time such as 2026-05-01T12:00, optionally followed by :PATH`
    throw new EngineError("invalid", "snapshot-address", message)
  }
  return { name: match[1] as string, path: match[2] ?? "" }
}

/** `all` is oldest first. Digits in the form of a date are a time. */
function pick(name: string, all: readonly Snapshot[]): Snapshot | undefined {
  if (isTime(name)) return pickByTime(all, name)
  const found = all.filter(({ id }) => id.startsWith(name))
  if (found.length > 1) {
    const ids = found.slice(0, EXAMPLES_MAX).map(({ id }) => id.slice(0, name.length + 4))
    throw new EngineError(
      "invalid",
      "ambiguous-id",
      `"${name}" matches ${found.length} snapshots (${ids.join(", ")}). Give more digits`,
    )
  }
  return found[0]
}

function latestOf(repository: Repository, all: readonly Snapshot[], name: string): Snapshot | undefined {
  requireOneSeries(all.map(({ series }) => series))
  return pickLatest(repository, all, Number(name.slice("latest~".length) || 0))
}

/** Warns if the series has several recent sources. A source that was moved doesn't count. */
function warnOfOtherSources(
  repository: Repository,
  name: string,
  chosen: Snapshot,
  all: readonly Snapshot[],
): void {
  const own = all.filter((each) => sourceKey(each) === sourceKey(chosen))
  const startNs = own[0]?.timeNs ?? chosen.timeNs
  const others = newestOfSources(all).filter(
    (each) =>
      sourceKey(each) !== sourceKey(chosen) &&
      each.timeNs >= chosen.timeNs - LIVE_NS &&
      (each.device !== chosen.device || each.timeNs > startNs),
  )
  if (others.length === 0) return
  const shown = others.slice(0, EXAMPLES_MAX).map(showSource)
  warnOnce(
    repository,
    `${name} is snapshot ${chosen.shortId} of ${showSource(chosen)}. Series ${showText(chosen.series)} also has recent snapshots of ${shown.join(", ")}. Use --host or --path to choose`,
  )
}

function showSource({ host, paths }: SnapshotSource): string {
  return `${showText(host)}:${paths.map(showPath).join(" ")}`
}

function pickByTime(all: readonly Snapshot[], name: string): Snapshot | undefined {
  const limitNs = parseTime(name)
  requireOneSeries(all.map(({ series }) => series))
  return all.findLast(({ timeNs }) => timeNs <= limitNs)
}

function seriesNames(all: readonly string[]): string {
  const names = [...new Set(all)].toSorted().map(showText)
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ")
}

function requireOneSeries(all: readonly string[]): void {
  if (new Set(all).size <= 1) return
  throw new EngineError(
    "invalid",
    "several-series",
    `there are several series (${seriesNames(all)}). Choose one with --series NAME, or give an ID`,
  )
}

/**
 * Returns the end of the named time: a day's last moment, a minute's last second. A time without a
 * zone is local.
 */
function parseTime(name: string): bigint {
  const [, day = "", rest = ""] = /^(\d{4}-\d\d-\d\d)[T ]?(.*)$/.exec(name) ?? []
  const [, minute = "", second = "", fraction = "", zone = ""] =
    /^(\d\d:\d\d)?(?::(\d\d))?(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/.exec(rest) ?? []
  const clock = minute === "" ? "23:59:59" : `${minute}:${second === "" ? "59" : second}`
  const milliseconds = Date.parse(`${day}T${clock}${zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`)
  if (Number.isNaN(milliseconds)) {
    throw new EngineError(
      "invalid",
      "snapshot-address",
      `"${name}" is not a time. Write it like 2026-05-01T12:00`,
    )
  }
  return BigInt(milliseconds) * 1_000_000n + BigInt((fraction === "" ? "999999999" : fraction).padEnd(9, "0"))
}

/** The filter matches nothing. `all` are the snapshots without it. */
function noMatch({ series, host, tags, path }: SnapshotFilter, all: readonly Snapshot[]): EngineError {
  const words = [
    ...(series === undefined ? [] : [`--series ${showText(series)}`]),
    ...(host === undefined ? [] : [`--host ${showText(host)}`]),
    ...(tags ?? []).map((tag) => `--tag ${showText(tag)}`),
    ...(path === undefined ? [] : [`--path ${showPath(path)}`]),
  ]
  const message =
    all.length === 0
      ? "the repository has no snapshots"
      : `no snapshot matches ${words.join(" ")}. Series here: ${seriesNames(all.map((each) => each.series))}`
  return new EngineError("not-found", "no-snapshot", message)
}

function noSnapshot(name: string, all: readonly Snapshot[]): EngineError {
  const newest = all.slice(-EXAMPLES_MAX).toReversed()
  const shown = newest.map(
    ({ shortId, timeNs, series }) => `${shortId} (${showTime(timeNs)}, ${showText(series)})`,
  )
  const [oldest] = all
  if (isTime(name) && oldest !== undefined) {
    const first = `${oldest.shortId} (${showTime(oldest.timeNs)}, ${showText(oldest.series)})`
    return new EngineError(
      "not-found",
      "no-snapshot",
      `no snapshot is as old as ${name}. The oldest is ${first}`,
    )
  }
  const there = `there ${all.length === 1 ? "is 1" : `are ${all.length}`}, the newest: ${shown.join(", ")}`
  return new EngineError("not-found", "no-snapshot", `no snapshot "${name}": ${there}`)
}
