/**
 * The record of runs: `state.sqlite` in the agent's state folder. It says what ran when, what is requested, and what
 * was already reported. It can be lost: the repository is the truth about snapshots, and the next run starts the
 * record again. Opened for each use and closed at once, since other processes write it too.
 */
import { join } from "node:path"
import { openLocalDatabase, type StateDatabase } from "../../../engine/index.ts"
import type { SnapshotFlag, Warning } from "../results.ts"
import type { Host, Setup } from "../setup.ts"

/** Increment with any change of any table. */
const VERSION = 1

/** Runs kept: a month of a run every 15 minutes. */
const RUNS_MAX = 3000

const SCHEMA = `
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, started_ms INTEGER NOT NULL, ended_ms INTEGER, outcome TEXT NOT NULL,
  by_host TEXT NOT NULL, triggers TEXT NOT NULL, found TEXT
);
CREATE INDEX IF NOT EXISTS runs_outcome ON runs (outcome, id);
CREATE TABLE IF NOT EXISTS wants (trigger TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, after_run INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scanned (path TEXT PRIMARY KEY, mark TEXT NOT NULL, found TEXT NOT NULL) WITHOUT ROWID;
`

/** What a run found. Of a failed one only `warnings` and `problem`. */
export interface RunFound {
  readonly snapshot: string | null
  readonly parent: string | null
  readonly flag: SnapshotFlag
  readonly files: {
    readonly new: number
    readonly changed: number
    readonly removed: number
    readonly unchanged: number
  }
  readonly bytes: { readonly scanned: number; readonly new: number; readonly uploaded: number }
  readonly durationMs: number
  readonly warnings: readonly Warning[]
  readonly problem?: Warning | undefined
  /** The failure does not end by itself. */
  readonly needsPerson?: boolean | undefined
}

export interface Run {
  /** Ascending in the order in which the scans began. */
  readonly id: number
  readonly startedMs: number
  /** Null while it runs, and if it was killed. */
  readonly endedMs: number | null
  readonly outcome: "running" | "created" | "unchanged" | "failed"
  readonly by: Host
  readonly triggers: readonly string[]
  readonly found: RunFound | null
}

/** A request of a run, until a run that began after it has succeeded. */
export interface Want {
  readonly trigger: string
  readonly sinceMs: number
}

/** Each is a fact of this workspace on this machine. */
export type Fact =
  | "paused" // until when, in milliseconds since 1970; 0: until resume
  | "noticed" // when a person was last told of a problem, in milliseconds since 1970
  | "logged-unchanged" // when an unchanged run was last logged
  | "cron" // JSON: since when and how often a cron line backs up
  | "cron-seen" // when cron has last started a call, in milliseconds since 1970
  | "totals" // JSON of the sizes of all snapshots, as they were last added up

export interface Scanned {
  readonly mark: string
  readonly found: string
}

export interface Record {
  /** The newest run that has begun; 0 before the first. */
  newestId(): number
  begin(run: Pick<Run, "startedMs" | "by" | "triggers">): number
  end(id: number, outcome: "created" | "unchanged" | "failed", at: { endedMs: number; found: RunFound }): void
  newest(): Run | undefined
  /** As all that counts successes, without the snapshots before a restore. */
  newestSuccess(): Run | undefined
  /** The newest success whose scan began after run `id` did. */
  successAfter(id: number): Run | undefined
  /** The number of failures since the last success. */
  failures(): number
  want(trigger: string, nowMs: number): void
  wants(): Want[]
  fact(name: Fact): string | undefined
  setFact(name: Fact, value: string | undefined): void
  /** The findings of files, as they were when `mark` was theirs. */
  scanned(): Map<string, Scanned>
  /** Keeps these alone. `fresh`: the paths that differ from before. */
  setScanned(all: ReadonlyMap<string, Scanned>, fresh: ReadonlySet<string>): void
  atomically<T>(run: () => T): T
}

/** Opens the record, runs, and closes it. */
export function withRecord<T>(setup: Pick<Setup, "stateFolder">, use: (record: Record) => T): T {
  const state = openLocalDatabase({
    file: join(setup.stateFolder, "state.sqlite"),
    lockFile: join(setup.stateFolder, "state.lock"),
    version: VERSION,
  })
  try {
    state.database.exec(SCHEMA)
    return use({ ...runMethods(state), ...factMethods(state), atomically: (run) => state.atomically(run) })
  } finally {
    state.close()
  }
}

interface Row {
  readonly id: number
  readonly started_ms: number
  readonly ended_ms: number | null
  readonly outcome: Run["outcome"]
  readonly by_host: Host
  readonly triggers: string
  readonly found: string | null
}

function runOf(row: Row | undefined): Run | undefined {
  if (row === undefined) return undefined
  return {
    id: row.id,
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    outcome: row.outcome,
    by: row.by_host,
    triggers: JSON.parse(row.triggers) as string[],
    found: row.found === null ? null : (JSON.parse(row.found) as RunFound),
  }
}

type RunMethods = Pick<
  Record,
  "newestId" | "begin" | "end" | "newest" | "newestSuccess" | "successAfter" | "failures" | "want" | "wants"
>

/** The snapshot before a restore is no backup of the workspace as it is after it. */
const SUCCESS = `outcome IN ('created', 'unchanged') AND ifnull(json_extract(found, '$.flag'), '') <> 'pre-restore'`

function runMethods({ database, ...state }: StateDatabase): RunMethods {
  const one = (where: string, ...values: number[]): Run | undefined =>
    runOf(
      database
        .prepare<number[], Row>(`SELECT * FROM runs WHERE ${where} ORDER BY id DESC LIMIT 1`)
        .get(...values),
    )
  const count = (sql: string): number => database.prepare<[], number>(sql).pluck().get() ?? 0
  // ids of removed runs are never used again
  const newestId = (): number => count("SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
  return {
    newestId,
    begin: ({ startedMs, by, triggers }) =>
      state.atomically(() => {
        // a run holds the lock of runs, so a run that still "runs" was killed
        database.prepare("UPDATE runs SET outcome = 'failed' WHERE outcome = 'running'").run()
        const { lastInsertRowid } = database
          .prepare("INSERT INTO runs (started_ms, outcome, by_host, triggers) VALUES (?, 'running', ?, ?)")
          .run(startedMs, by, JSON.stringify(triggers))
        database.prepare("DELETE FROM runs WHERE id <= ?").run(Number(lastInsertRowid) - RUNS_MAX)
        return Number(lastInsertRowid)
      }),
    end: (id, outcome, { endedMs, found }) =>
      state.atomically(() => {
        database
          .prepare("UPDATE runs SET outcome = ?, ended_ms = ?, found = ? WHERE id = ?")
          .run(outcome, endedMs, JSON.stringify(found), id)
        if (outcome !== "failed" && found.flag !== "pre-restore")
          database.prepare("DELETE FROM wants WHERE after_run < ?").run(id)
      }),
    newest: () => one("true"),
    newestSuccess: () => one(SUCCESS),
    successAfter: (id) => one(`${SUCCESS} AND id > ?`, id),
    failures: () =>
      count(
        `SELECT count(*) FROM runs WHERE outcome = 'failed' AND id > (SELECT coalesce(max(id), 0) FROM runs WHERE ${SUCCESS})`,
      ),
    want: (trigger, nowMs) =>
      void database
        .prepare(
          `INSERT INTO wants (trigger, since_ms, after_run) VALUES (?, ?, ?)
           ON CONFLICT (trigger) DO UPDATE SET after_run = excluded.after_run`,
        )
        .run(trigger, nowMs, newestId()),
    wants: () =>
      database
        .prepare<[], Want>("SELECT trigger, since_ms AS sinceMs FROM wants ORDER BY since_ms, trigger")
        .all(),
  }
}

type FactMethods = Pick<Record, "fact" | "setFact" | "scanned" | "setScanned">

function factMethods({ database, ...state }: StateDatabase): FactMethods {
  return {
    fact: (name) =>
      database.prepare<[string], string>("SELECT value FROM facts WHERE name = ?").pluck().get(name),
    setFact(name, value) {
      if (value === undefined) database.prepare("DELETE FROM facts WHERE name = ?").run(name)
      else database.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)").run(name, value)
    },
    scanned: () => {
      const all = database
        .prepare<[], Scanned & { path: string }>("SELECT path, mark, found FROM scanned")
        .all()
      return new Map(all.map(({ path, mark, found }) => [path, { mark, found }]))
    },
    setScanned: (all, fresh) =>
      state.atomically(() => {
        const drop = database.prepare("DELETE FROM scanned WHERE path = ?")
        for (const path of database.prepare<[], string>("SELECT path FROM scanned").pluck().all())
          if (!all.has(path)) drop.run(path)
        const put = database.prepare("INSERT OR REPLACE INTO scanned (path, mark, found) VALUES (?, ?, ?)")
        for (const path of fresh) {
          const { mark, found } = all.get(path) as Scanned // each is in both
          put.run(path, mark, found)
        }
      }),
  }
}
