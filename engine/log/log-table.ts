/**
 * The chain entries that this home has verified, in its state database. A snapshot is found by an indexed
 * query, and a list decodes only what it was asked for, without a request. Packs are not kept here: they are in the
 * chunk index. The table is a cache; a look rebuilds it. spec/home.md.
 */
import { decodeEntryBody, encodeEntryBody } from "../format/entry-body.ts"
import type { Bytes } from "../base/bytes.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import { isWithin } from "../base/paths.ts"
import { rowSum } from "../base/row-sum.ts"
import {
  checkWhole,
  createTables,
  damagedRow,
  type Database,
  lazyStatement,
  withStateErrors,
} from "../base/sqlite.ts"
import type { Entry, Head } from "../format/entry.ts"
import type { SnapshotFilter, SnapshotRecord } from "./view.ts"

/** An entry without its packs. */
export type LoggedEntry = Entry & { readonly digest: Digest; readonly shortId: string }

export interface LogTable {
  /** Digests of all entries whose packs are in the chunk index. */
  complete(): Set<Digest>
  /** Digests of all verified entries. */
  verified(): Set<Digest>
  /** Idempotent. `complete`: its packs are in the chunk index; otherwise the next look tries again. */
  add(digest: Digest, entry: Entry, complete: boolean): void
  /** The last verified entry of each chain, sorted by device. In a fork the smallest digest wins. */
  heads(): Head[]
  /** The verified entries at one sequence of a chain: more than one in a fork. */
  at(device: DeviceId, sequence: number): Digest[]
  has(digest: Digest): boolean
  entry(digest: Digest): LoggedEntry | undefined
  /** The series' newest snapshot by its own time. One later than `untilNs` counts only if there is no other. */
  newest(series: string, untilNs?: bigint): SnapshotRecord | undefined
  /** Oldest first. */
  snapshots(filter: SnapshotFilter): SnapshotRecord[]
  /** The newest of a series by their own times, oldest first. Found by the index, which has no sums. */
  newestOf(series: string, count: number): SnapshotRecord[]
  /** The number of a series' snapshots. */
  countOf(series: string): number
  /** Sorted. */
  series(): string[]
  /** Reads the whole database and throws if it is damaged. Called before an alarm that depends on it. */
  verify(): void
  /** Whether the segment's packs are in the chunk index. */
  hasSegment(digest: Digest): boolean
  addSegment(digest: Digest): void
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS log_entries (
  digest TEXT PRIMARY KEY, device TEXT NOT NULL, sequence INTEGER NOT NULL, complete INTEGER NOT NULL,
  series TEXT, host TEXT, time_ns INTEGER, body BLOB NOT NULL, sum INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS log_entries_chain ON log_entries (device, sequence, digest);
CREATE INDEX IF NOT EXISTS log_entries_series ON log_entries (series, time_ns, digest) WHERE time_ns IS NOT NULL;
CREATE TABLE IF NOT EXISTS log_segments (digest TEXT PRIMARY KEY) WITHOUT ROWID;
`

const HEADS = `
SELECT device, sequence, min(digest) AS digest FROM log_entries
JOIN (SELECT device AS chain, max(sequence) AS last FROM log_entries GROUP BY device)
  ON device = chain AND sequence = last
GROUP BY device ORDER BY device
`

const TIME_NS_MAX = 2n ** 63n - 1n

/** A row as it is read. `series`, `host` and `timeNs` are null unless the entry is a snapshot. */
interface Row {
  readonly digest: Digest
  readonly device: DeviceId
  readonly sequence: number
  readonly series: string | null
  readonly host: string | null
  readonly timeNs: string | null
  readonly body: Bytes
  readonly sum: number
}

type Added = [
  Digest,
  DeviceId,
  number,
  number,
  string | null,
  string | null,
  bigint | null,
  Uint8Array,
  number,
]

const TABLE = "log_entries"
const FIELDS = "digest, device, sequence, series, host, CAST(time_ns AS TEXT) AS timeNs, body, sum"
/** No single flipped bit turns one of these into the other, or another value into one of them. */
const COMPLETE = 0x5ca1ab1e
const INCOMPLETE = 0

export function openLogTable(database: Database): LogTable {
  createTables(database, SCHEMA)
  return withStateErrors<LogTable>(database.name, {
    ...entryMethods(database),
    ...snapshotMethods(database),
    ...segmentMethods(database),
    verify: verification(database),
  })
}

function entryMethods(
  database: Database,
): Pick<LogTable, "complete" | "verified" | "add" | "heads" | "at" | "has" | "entry"> {
  const all = lazyStatement<[], Digest>(database, "SELECT digest FROM log_entries", "pluck")
  const complete = lazyStatement<[], Digest>(
    database,
    `SELECT digest FROM log_entries WHERE complete = ${COMPLETE}`,
    "pluck",
  )
  const insert = lazyStatement<Added>(
    database,
    `INSERT INTO log_entries (digest, device, sequence, complete, series, host, time_ns, body, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET complete = excluded.complete
       WHERE excluded.complete = ${COMPLETE}`,
  )
  const one = lazyStatement<[Digest], Row>(database, `SELECT ${FIELDS} FROM log_entries WHERE digest = ?`)
  const heads = lazyStatement<[], Head>(database, HEADS)
  const at = lazyStatement<[DeviceId, number], Digest>(
    database,
    "SELECT digest FROM log_entries WHERE device = ? AND sequence = ? ORDER BY digest",
    "pluck",
  )
  const has = lazyStatement<[Digest], number>(database, "SELECT 1 FROM log_entries WHERE digest = ?", "pluck")
  return {
    at: (device, sequence) => at().all(device, sequence),
    has: (digest) => has().get(digest) !== undefined,
    complete: () => new Set(complete().all()),
    verified: () => new Set(all().all()),
    /** They are read from the index alone, which has no sums, and are signed and pinned. */
    heads() {
      const all = heads().all()
      for (const { device, sequence, digest } of all) {
        const row = one().get(digest)
        if (row === undefined || row.device !== device || row.sequence !== sequence) throw damagedRow(TABLE)
        checkSum(row)
      }
      return all
    },
    add(digest, entry, isComplete) {
      const { device, sequence } = entry
      const body = encodeEntryBody({ ...entry, packs: [] })
      const snapshot = entry.type === "snapshot" ? entry : undefined
      const { series = null, host = null, timeNs } = snapshot ?? {}
      const sum = sumOf({ digest, device, sequence, series, host, timeNs: timeNs?.toString() ?? null, body })
      const known = isComplete ? COMPLETE : INCOMPLETE
      insert().run(digest, device, sequence, known, series, host, timeNs ?? null, body, sum)
    },
    entry(digest) {
      const row = one().get(digest)
      if (row !== undefined && row.digest !== digest) throw damagedRow(TABLE)
      return row === undefined ? undefined : logged(row)
    },
  }
}

function snapshotMethods(
  database: Database,
): Pick<LogTable, "newest" | "newestOf" | "countOf" | "snapshots" | "series"> {
  const newest = lazyStatement<[string, bigint], Row>(
    database,
    `SELECT ${FIELDS} FROM log_entries WHERE series = ? AND time_ns IS NOT NULL AND time_ns <= ?
     ORDER BY time_ns DESC, digest DESC LIMIT 1`,
  )
  const all = lazyStatement<[], Row>(database, `SELECT ${FIELDS} FROM log_entries`)
  const newestOf = lazyStatement<[string, number], Row>(
    database,
    `SELECT ${FIELDS} FROM log_entries WHERE series = ? AND time_ns IS NOT NULL
     ORDER BY time_ns DESC, digest DESC LIMIT ?`,
  )
  const countOf = lazyStatement<[string], number>(
    database,
    "SELECT count(*) FROM log_entries WHERE series = ? AND time_ns IS NOT NULL",
    "pluck",
  )
  const series = lazyStatement<[], string>(
    database,
    "SELECT DISTINCT series FROM log_entries WHERE time_ns IS NOT NULL ORDER BY series",
    "pluck",
  )
  return {
    series: () => series().all(),
    countOf: (name) => countOf().get(name) ?? 0,
    newestOf: (name, count) => newestOf().all(name, count).map(snapshotOf).reverse(),
    newest(name, untilNs = TIME_NS_MAX) {
      const row = newest().get(name, untilNs) ?? newest().get(name, TIME_NS_MAX)
      return row === undefined ? undefined : snapshotOf(row)
    },
    /** Verifies all rows and decodes those of the series and host: a flipped bit hides no snapshot. */
    snapshots: (filter) =>
      all()
        .all()
        .filter((row) => {
          checkSum(row)
          return isWanted(row, filter)
        })
        .map(snapshotOf)
        .filter((snapshot) => matches(snapshot, filter))
        .toSorted(byTime),
  }
}

function verification(database: Database): () => void {
  const all = lazyStatement<[], Row>(database, `SELECT ${FIELDS} FROM log_entries NOT INDEXED`)
  return () => {
    checkWhole(database)
    for (const row of all().all()) checkSum(row)
  }
}

function segmentMethods(database: Database): Pick<LogTable, "hasSegment" | "addSegment"> {
  const has = lazyStatement<[Digest], number>(
    database,
    "SELECT 1 FROM log_segments WHERE digest = ?",
    "pluck",
  )
  const insert = lazyStatement<[Digest]>(database, "INSERT OR IGNORE INTO log_segments (digest) VALUES (?)")
  return {
    hasSegment: (digest) => has().get(digest) !== undefined,
    addSegment: (digest) => void insert().run(digest),
  }
}

function byTime(a: SnapshotRecord, b: SnapshotRecord): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  return a.digest < b.digest ? -1 : 1
}

function isWanted(row: Row, { series = row.series ?? "", host = row.host ?? "" }: SnapshotFilter): boolean {
  return row.timeNs !== null && row.series === series && row.host === host
}

function matches(snapshot: SnapshotRecord, { tags, path }: SnapshotFilter): boolean {
  if (tags?.some((tag) => !snapshot.tags.includes(tag)) === true) return false
  return path === undefined || snapshot.paths.some((each) => each === "/" || isWithin(path, each))
}

function sumOf({ digest, device, sequence, series, host, timeNs, body }: Omit<Row, "sum">): number {
  return rowSum([digest, device, sequence, series, host, timeNs, body])
}

function checkSum(row: Row): void {
  if (sumOf(row) !== row.sum) throw damagedRow(TABLE)
}

function logged(row: Row): LoggedEntry {
  checkSum(row)
  const { digest, body } = row
  const entry = decodeEntryBody(new Uint8Array(body), `the local record of entry ${digest.slice(0, 8)}`)
  return { ...entry, digest, shortId: digest.slice(0, 8) }
}

function snapshotOf(row: Row): SnapshotRecord {
  return logged(row) as SnapshotRecord
}
