/**
 * The key runs of one database: in SQLite as one blob a run, read into memory when first searched.
 * A new pack's run is merged with its smaller neighbours, so that there are few runs to search and
 * each key is rewritten a few times in all. spec/decisions/0004-sqlite-index.md.
 */
import { randomBytes } from "node:crypto"
import { release } from "../base/bytes.ts"
import { lazyStatement } from "../base/sqlite.ts"
import type { Database } from "../base/sqlite.ts"
import { firstCandidate, mergeRuns, nextCandidate, referenceAt, runLength } from "./key-runs.ts"
import type { KeyRun } from "./key-runs.ts"

export const KEY_TABLE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS key_runs (id INTEGER PRIMARY KEY, length INTEGER NOT NULL, entries BLOB NOT NULL);
`

/** Larger runs are left alone: a merge would hold up a run for too long. 32 MiB. */
const RUN_LENGTH_MAX = 4 * 1024 * 1024

export interface KeyTable {
  /** References of frames that may hold the chunk, oldest first. The array is reused. */
  candidates(id: Uint8Array): readonly number[]

  /** Sees what other connections wrote. */
  refresh(): void

  /** Writes a new pack's run, which is the table's from now on. Inside the caller's transaction. */
  add(run: KeyRun): void

  /** Entries in all runs, those of frames that are gone included. */
  length(): number

  /** Rewrites all runs without the entries of frames that are gone. Inside the caller's transaction. */
  compact(keep: (reference: number) => boolean): void
}

interface StoredRun {
  /** Random: after a rollback, a number in sequence could name another run. */
  readonly id: number
  readonly length: number
  run: KeyRun | undefined
}

const NONE: readonly number[] = []

export function openKeyTable(database: Database): KeyTable {
  const list = lazyStatement<[], { id: number; length: number }>(
    database,
    "SELECT id, length FROM key_runs ORDER BY length DESC, id",
  )
  const read = lazyStatement<[number], Buffer>(database, "SELECT entries FROM key_runs WHERE id = ?", "pluck")
  const insert = lazyStatement<[number, number, Uint8Array]>(
    database,
    "INSERT INTO key_runs VALUES (?, ?, ?)",
  )
  const remove = lazyStatement<[number]>(database, "DELETE FROM key_runs WHERE id = ?")

  let runs: StoredRun[] = []
  /** Runs stay in memory only where somebody searches. */
  let searching = false
  const found: number[] = []

  const refresh = (): void => {
    const known = new Map(runs.map((stored) => [stored.id, stored]))
    runs = list()
      .all()
      .map((row) => known.get(row.id) ?? { ...row, run: undefined })
  }

  const load = (stored: StoredRun): KeyRun => {
    const run = stored.run ?? toRun(read().get(stored.id))
    if (searching) stored.run = run
    return run
  }

  const write = (run: KeyRun): void => {
    const id = randomBytes(6).readUIntBE(0, 6)
    insert().run(id, runLength(run), new Uint8Array(run.buffer, run.byteOffset, run.byteLength))
    runs.push({ id, length: runLength(run), run: searching ? run : undefined })
    runs.sort((a, b) => b.length - a.length)
    if (!searching) free(run)
  }

  return {
    candidates(id) {
      if (!searching) {
        searching = true
        refresh()
      }
      found.length = 0
      for (const stored of runs) {
        const run = stored.run ?? load(stored)
        for (let at = firstCandidate(run, id); at >= 0; at = nextCandidate(run, at))
          found.push(referenceAt(run, at))
      }
      if (found.length === 0) return NONE
      return found.length === 1 ? found : found.sort((a, b) => a - b)
    },

    refresh,

    add(run) {
      refresh()
      let merged = run
      for (
        let last = runs.at(-1);
        last !== undefined && isDue(last.length, runLength(merged));
        last = runs.at(-1)
      ) {
        const [older, newer] = [load(last), merged]
        merged = mergeRuns(older, newer)
        free(older)
        free(newer)
        remove().run(last.id)
        runs.pop()
      }
      write(merged)
    },

    length: () => runs.reduce((sum, stored) => sum + stored.length, 0),

    compact(keep) {
      refresh()
      const old = runs
      runs = []
      for (const stored of old) {
        const run = mergeRuns(load(stored), new Uint32Array(0), keep)
        remove().run(stored.id)
        if (run.length > 0) write(run)
      }
    },
  }
}

/** Merges leave behind several times what is in use. */
function free(run: KeyRun): void {
  release(new Uint8Array(run.buffer, run.byteOffset, run.byteLength))
}

function isDue(older: number, newer: number): boolean {
  return older <= newer * 2 && older + newer <= RUN_LENGTH_MAX
}

/** Gone when another process merged it since the list was read: its entries are in a newer run. */
function toRun(blob: Buffer | undefined): KeyRun {
  if (blob === undefined) return new Uint32Array(0)
  const words = blob.length >>> 2
  if (blob.byteOffset % 4 === 0) return new Uint32Array(blob.buffer as ArrayBuffer, blob.byteOffset, words)
  const run: KeyRun = new Uint32Array(words)
  new Uint8Array(run.buffer).set(blob)
  return run
}
