/**
 * Chooses the series of a backup that names none: the source's base name, unless another source uses it.
 * The choice depends on the log's snapshots only, so it is the same on every device and after a home is
 * lost. spec/series.md lists the cases.
 */
import { lstatSync, realpathSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, pathBytes, showPath } from "../base/paths.ts"
import { shellWord, showText, showTime } from "../base/show.ts"
import { lookAt } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import { devicesContinued, LIVE_NS, newestOfSources, samePaths, type SnapshotSource } from "../log/sources.ts"
import { rememberList, warn } from "../session/session.ts"
import type { SnapshotRecord } from "../log/view.ts"

/** Makes no request for a source that the series has a snapshot of, and one LIST for a new source. */
export async function seriesOf(
  repository: Repository,
  name: string,
  source: SnapshotSource,
): Promise<string> {
  const known = seriesKnown(repository, name, source)
  if (known !== undefined) return known
  const atNs = repository.clock.now()
  const { names } = await lookAt(repository, () => "all")
  rememberList(repository, { names, atNs }) // the run's own look follows
  return seriesKnown(repository, name, source) ?? newcomer(repository, name, source)
}

/** Returns the series of a source that has snapshots: it never changes. */
function seriesKnown({ log }: Repository, name: string, source: SnapshotSource): string | undefined {
  const newest = log.newest(name)
  if (newest !== undefined && newest.host === source.host && samePaths(newest, source)) return name
  const own = log.snapshots({ host: source.host }).filter((each) => samePaths(each, source))
  if (own.some(({ series }) => series === name)) return name
  // another source uses this name, so this one was given another name before
  return newest === undefined ? undefined : own.at(-1)?.series
}

/** Returns the series for the first backup of a source. Throws conflict "series-taken". */
function newcomer(repository: Repository, name: string, source: SnapshotSource): string {
  const { log, clock } = repository
  const { device, trust } = repository.session
  const all = log.snapshots({ series: name })
  const newest = all.at(-1)
  if (newest === undefined) return name
  const [own, ...continued] = device === undefined ? [] : devicesContinued(trust.state, device.id)
  const live = all.filter((each) => each.timeNs >= clock.now() - LIVE_NS)
  const others = live.filter((each) => !continued.includes(each.device))
  const taken =
    others.findLast((each) => each.device !== own) ??
    newestOfSources(others).find((each) => !samePaths(each, source) && !hasMoved(each, source))
  if (taken !== undefined) throw seriesTaken(taken, source, new Set(log.series()))
  if (live.length === 0 && newest.host !== source.host && !samePaths(newest, source))
    warn(
      repository,
      `series ${showText(name)} continues from ${showSource(newest)}, last backed up ${showTime(newest.timeNs)}`,
    )
  return name
}

/**
 * Whether `source` is `before` at a new place: on the same host, and nothing is left at the old paths, or
 * the paths lead to the same place through links, or only some of the paths differ.
 */
function hasMoved(before: SnapshotSource, source: SnapshotSource): boolean {
  if (before.host !== source.host) return false
  if (before.paths.some((path) => source.paths.includes(path)) || !before.paths.some(exists)) return true
  return samePaths({ paths: before.paths.map(realPath) }, { paths: source.paths.map(realPath) })
}

function realPath(path: RawPath): RawPath {
  try {
    return realpathSync(fsPath(path), { encoding: "latin1" }) as RawPath
  } catch {
    return path
  }
}

function exists(path: RawPath): boolean {
  try {
    return lstatSync(fsPath(path), { throwIfNoEntry: false }) !== undefined
  } catch {
    return true // unknown: not proven to be gone
  }
}

function seriesTaken(taken: SnapshotRecord, source: SnapshotSource, used: ReadonlySet<string>): EngineError {
  const { series } = taken
  const other = freeName(series, taken.host === source.host ? folderName(source) : source.host, used)
  const what = `series "${showText(series)}" already has snapshots of another source, ${showSource(taken)} (last one ${showTime(taken.timeNs)})`
  const message = `${what}. --series ${shellWord(series)} continues that series, --series ${shellWord(other)} starts one for this source`
  return new EngineError("conflict", "series-taken", message, { detail: { what, series, other } })
}

function freeName(series: string, by: string, used: ReadonlySet<string>): string {
  const base = `${series}-${by}`
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`
    if (!used.has(name)) return name
  }
}

function folderName({ paths }: SnapshotSource): string {
  const path = paths[0] ?? ("" as RawPath)
  const parent = baseName(path.slice(0, path.lastIndexOf("/")) as RawPath)
  return pathBytes(parent).toString("utf8") || "2"
}

function showSource({ host, paths }: SnapshotSource): string {
  return `${showText(host)}:${paths.map(showPath).join(" ")}`
}
