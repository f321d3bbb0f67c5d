/**
 * Which snapshot `latest` means: the newest that is good. A flagged snapshot is complete, but it was made of a source
 * that was almost emptied, or before a restore; a later snapshot of its series can declare it good.
 * spec/log-entry.md.
 */
import type { Digest } from "../base/ids.ts"
import { showTime } from "../base/show.ts"
import { isFuture } from "../log/sources.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { Repository } from "../session/repository.ts"
import { warnOnce } from "../session/session.ts"

export interface JudgedSnapshot extends SnapshotRecord {
  /** Not flagged, or accepted by a later snapshot of its series. `latest` skips the others. */
  readonly good: boolean
}

/** How many snapshots a warning names. */
const EXAMPLES_MAX = 5

const FLAG_TEXTS = { "suspected-wipe": "suspected wipe", "pre-restore": "made before a restore" } as const

/** Returns a function that says whether a snapshot is good, given all snapshots of its series. */
export function goodAmong(all: readonly SnapshotRecord[]): (snapshot: SnapshotRecord) => boolean {
  // a snapshot can declare only others of its own series good
  const key = (series: string, digest: Digest | null): string => `${digest} ${series}`
  const accepted = new Set(all.map(({ series, accepts }) => key(series, accepts)))
  return ({ flag, series, digest }) => flag === null || accepted.has(key(series, digest))
}

/**
 * Skips flagged snapshots, and those dated in the future, with a warning.
 * @param all of one series, oldest first
 * @param back how many good ones before the latest
 */
export function pickLatest<S extends JudgedSnapshot>(
  repository: Repository,
  all: readonly S[],
  back: number,
): S | undefined {
  const present = withoutFuture(repository, all)
  const good = present.filter((each) => each.good)
  const chosen = (good.length === 0 ? present : good).at(-1 - back)
  if (chosen !== undefined) warnOfFlagged(repository, chosen, present)
  return chosen
}

/** Names the flagged snapshots that are newer than the chosen one. */
function warnOfFlagged<S extends JudgedSnapshot>(repository: Repository, chosen: S, all: readonly S[]): void {
  if (!chosen.good) {
    warnOnce(repository, `snapshot ${describe(chosen)} is flagged; there are no others`)
    return
  }
  const newer = all.slice(all.indexOf(chosen) + 1).filter((each) => !each.good)
  if (newer.length === 0) return
  const more = newer.length > EXAMPLES_MAX ? ` and ${newer.length - EXAMPLES_MAX} more` : ""
  const what = newer.length === 1 ? "skipped a flagged snapshot" : "skipped flagged snapshots"
  const which = newer.slice(-EXAMPLES_MAX).map(describe).join(", ") + more
  const used = `Snapshot ${chosen.shortId} of ${showTime(chosen.timeNs)} is used`
  warnOnce(repository, `${what}: ${which}. ${used}. Use an ID to choose another`)
}

interface ByTime<S> {
  /** The time, as it was typed. */
  readonly name: string
  readonly chosen: S
  /** Oldest first. */
  readonly all: readonly S[]
}

/** A time means the snapshot that was the newest then, also a flagged one. */
export function warnIfFlagged<S extends JudgedSnapshot>(
  repository: Repository,
  { name, chosen, all }: ByTime<S>,
): void {
  if (chosen.good) return
  const good = all
    .slice(0, all.indexOf(chosen))
    .findLast((each) => each.good && each.series === chosen.series)
  const before =
    good === undefined
      ? "There is no good one before it"
      : `The newest good one before it is ${good.shortId} of ${showTime(good.timeNs)}`
  warnOnce(repository, `${name} is snapshot ${describe(chosen)}, which is flagged. ${before}`)
}

function describe({ shortId, timeNs, flag }: SnapshotRecord): string {
  return `${shortId} of ${showTime(timeNs)} (${flag === null ? "not flagged" : FLAG_TEXTS[flag]})`
}

/** A snapshot dated in the future would stay the latest until then. */
function withoutFuture<S extends JudgedSnapshot>(repository: Repository, all: readonly S[]): readonly S[] {
  const now = repository.clock.now()
  const present = all.filter((each) => !isFuture(each, now))
  const future = all.slice(present.length).map(({ shortId, timeNs }) => `${shortId} (${showTime(timeNs)})`)
  if (future.length === 0) return all
  const what = `${future.length === 1 ? "a snapshot is" : `${future.length} snapshots are`} dated in the future: ${future.slice(-EXAMPLES_MAX).join(", ")}`
  const then =
    present.length === 0 ? "there are no other snapshots" : "not counted as latest. Use its ID if you want it"
  warnOnce(repository, `${what}; ${then}`)
  return present.length === 0 ? all : present
}
