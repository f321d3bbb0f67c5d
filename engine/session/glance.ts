/**
 * A look for one snapshot. On a home that knows little of the log it fetches the newest entry of each
 * chain and the few that it needs, instead of all. Rule R1 holds as in every look: what was seen and what
 * the newest entries claim must be listed, and what is read is verified. spec/log.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Head, NewestSnapshot } from "../format/entry.ts"
import { importOne } from "./import-entries.ts"
import type { ChainName, LogNames } from "../log/log-names.ts"
import type { LoggedEntry } from "../log/log-table.ts"
import { lookAt } from "./look.ts"
import type { Repository } from "./repository.ts"
import type { Listed } from "./session.ts"
import type { SnapshotRecord } from "../log/view.ts"

/** Up to this many new entries are all fetched: then this home knows the whole log. */
const FEW_ENTRIES = 2

export interface Glance {
  /** This home knows every entry: its view has all answers. */
  readonly isWhole: boolean
  /** Damage in the part of the log that was read. */
  readonly problems: readonly EngineError[]
  /** For a look that follows at once. */
  readonly listed: Listed
  /** The newest snapshot of each series by its own time. Undefined if a chain does not name all its series. */
  readonly newest: ReadonlyMap<string, Head & NewestSnapshot> | undefined
  /** Entries whose digest begins with `prefix`. */
  named(prefix: string): Head[]
  /** Verified, from the home or the store. Undefined if it can't be read or is not a snapshot. */
  snapshot(place: Head): Promise<SnapshotRecord | undefined>
}

/** Alarms are noted for the end of the run, as in a tolerant look. */
export async function glance(repository: Repository): Promise<Glance> {
  const atNs = repository.session.listed?.atNs ?? repository.clock.now()
  const isUnknown = ({ digest }: ChainName): boolean => !repository.log.has(digest)
  const unknown = (names: LogNames): number =>
    [...names.chains.values()].reduce((sum, chain) => sum + chain.filter(isUnknown).length, 0)
  const { names, problems } = await lookAt(
    repository,
    (each) => (unknown(each) > FEW_ENTRIES ? "newest" : "all"),
    { tolerant: true },
  )
  return {
    problems,
    listed: { names, atNs },
    isWhole: unknown(names) === 0,
    newest: newestOf(repository),
    named: (prefix) =>
      [...names.chains].flatMap(([device, chain]) =>
        chain.filter(({ digest }) => digest.startsWith(prefix)).map((name) => ({ ...name, device })),
      ),
    async snapshot(place) {
      if (isUnknown(place)) await importOne(repository, names, place)
      return snapshotOf(repository.log.entry(place.digest))
    },
  }
}

function newestOf({ log }: Repository): Map<string, Head & NewestSnapshot> | undefined {
  const newest = new Map<string, Head & NewestSnapshot>()
  const take = (found: Head & NewestSnapshot): void => {
    const known = newest.get(found.series)
    if (known === undefined || isLater(found, known)) newest.set(found.series, found)
  }
  for (const { device, digest } of log.heads()) {
    const entry = log.entry(digest)
    if (entry === undefined) continue
    if (entry.newest === null) return undefined
    for (const each of entry.newest) take({ ...each, device })
    const own = snapshotOf(entry)
    if (own !== undefined) take({ ...own, device })
  }
  return newest
}

/** The order of the log table. */
function isLater(a: { timeNs: bigint; digest: Digest }, b: { timeNs: bigint; digest: Digest }): boolean {
  return a.timeNs === b.timeNs ? a.digest > b.digest : a.timeNs > b.timeNs
}

function snapshotOf(entry: LoggedEntry | undefined): SnapshotRecord | undefined {
  return entry?.type === "snapshot" ? entry : undefined
}
