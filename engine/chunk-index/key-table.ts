/**
 * The key runs of one database, stored in parts in SQLite and read into memory at the first search.
 * A new pack's run is merged with its smaller neighbours, so there are few runs to search and each
 * key is rewritten only a few times. A merge has one part of each run in memory.
 * spec/decisions/0004-sqlite-index.md.
 */
import { randomBytes } from "node:crypto"
import { release } from "../base/bytes.ts"
import { rowSum } from "../base/row-sum.ts"
import { damagedRow, type Database, lazyStatement } from "../base/sqlite.ts"
import { candidateSearch, type KeyRun, mergeRuns, PART_ENTRIES, runLength } from "./key-runs.ts"

export const KEY_TABLE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS key_runs (id INTEGER PRIMARY KEY, length INTEGER NOT NULL, sum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS key_parts (id INTEGER PRIMARY KEY, entries BLOB NOT NULL, sum INTEGER NOT NULL);
`

/** Larger runs (32 MiB) aren't merged: that would block a backup for too long. */
const RUN_LENGTH_MAX = 4 * 1024 * 1024
/** Most parts of a run. A part's id is its run's id times this, plus its number. */
const PARTS_MAX = 256
const ENTRY_BYTES = 8

export interface KeyTable {
  /** Returns references of frames that may have the chunk, oldest first. The array is reused. */
  candidates(id: Uint8Array): readonly number[]

  /** Returns all current runs in memory that other threads can read. */
  share(): KeyRun[]

  /** Reads what other connections wrote. */
  refresh(): void

  /** Writes a new pack's run and takes ownership of it. Call inside a transaction. */
  add(run: KeyRun): void

  /** Entries in all runs, including those of removed frames. */
  length(): number

  /** Whether the file has every run with all its entries. */
  isComplete(): boolean

  /** Rewrites all runs without the entries of removed frames. Call inside a transaction. */
  compact(keep: (reference: number) => boolean): void
}

interface StoredRun {
  /** Random: after a rollback, a sequential number could name another run. */
  readonly id: number
  readonly length: number
  run: KeyRun | undefined
}

/** The runs that this connection knows, and their rows. */
interface Runs {
  /** Longest first. */
  all: StoredRun[]
  refresh(): void
  /** Parts are missing if another process merged the run since `refresh`; a newer run has the entries. */
  partsOf(stored: StoredRun): Generator<KeyRun, void, undefined>
  /**
   * @param length at least the number of entries in `parts`
   * @param keep whether the new run stays in memory
   */
  write(parts: Iterable<KeyRun>, length: number, keep: boolean): void
  drop(stored: StoredRun): void
}

function openRuns(database: Database): Runs {
  const list = lazyStatement<[], { id: number; length: number; sum: number }>(
    database,
    "SELECT id, length, sum FROM key_runs ORDER BY length DESC, id",
  )
  const readPart = lazyStatement<[number], { entries: Buffer; sum: number }>(
    database,
    "SELECT entries, sum FROM key_parts WHERE id = ?",
  )
  const insert = lazyStatement<[number, number, number]>(database, "INSERT INTO key_runs VALUES (?, ?, ?)")
  const insertPart = lazyStatement<[number, Uint8Array, number]>(
    database,
    "INSERT INTO key_parts VALUES (?, ?, ?)",
  )
  const remove = lazyStatement<[number]>(database, "DELETE FROM key_runs WHERE id = ?")
  const removeParts = lazyStatement<[number, number]>(
    database,
    "DELETE FROM key_parts WHERE id BETWEEN ? AND ?",
  )
  const runs: Runs = {
    all: [],

    refresh() {
      const known = new Map(runs.all.map((stored) => [stored.id, stored]))
      runs.all = list()
        .all()
        .map(({ id, length, sum }) => {
          if (sum !== rowSum([id, length])) throw damagedRow("key_runs")
          return known.get(id) ?? { id, length, run: undefined }
        })
    },

    *partsOf({ id, length, run }) {
      if (run !== undefined) return yield run
      for (let part = 0; part * PART_ENTRIES < length; part++) {
        const row = readPart().get(id * PARTS_MAX + part)
        if (row === undefined) return
        if (row.sum !== rowSum([id * PARTS_MAX + part, row.entries])) throw damagedRow("key_parts")
        yield toRun(row.entries)
        release(row.entries)
      }
    },

    write(parts, length, keep) {
      const id = randomBytes(5).readUIntBE(0, 5)
      let number = 0
      let entries = 0
      const written = function* (): Generator<KeyRun, void, undefined> {
        for (const part of parts) {
          const partId = id * PARTS_MAX + number++
          const bytes = bytesOf(part)
          insertPart().run(partId, bytes, rowSum([partId, bytes]))
          entries += runLength(part)
          yield part
        }
      }
      const run = keep ? gather(written(), new Uint32Array(length * 2)) : undefined
      if (run === undefined) for (const _ of written());
      if (entries === 0) return
      insert().run(id, entries, rowSum([id, entries]))
      runs.all.push({ id, length: entries, run })
      runs.all.sort((a, b) => b.length - a.length)
    },

    drop({ id, run }) {
      remove().run(id)
      removeParts().run(id * PARTS_MAX, id * PARTS_MAX + PARTS_MAX - 1)
      if (run !== undefined) release(run) // merges leave behind several times the memory in use
    },
  }
  return runs
}

export function openKeyTable(database: Database): KeyTable {
  const runs = openRuns(database)
  /** Whether runs stay in memory: only after the first search. */
  let searching = false
  /** The loaded runs, in order; undefined after a change. */
  let inMemory: KeyRun[] | undefined
  const search = candidateSearch()

  const refresh = (): void => {
    inMemory = undefined
    runs.refresh()
  }

  const write = (parts: Iterable<KeyRun>, length: number): void => {
    inMemory = undefined
    runs.write(parts, length, searching)
  }

  const load = (stored: StoredRun): KeyRun => {
    const room = (): KeyRun => new Uint32Array(new SharedArrayBuffer(stored.length * ENTRY_BYTES))
    return (stored.run ??= gather(runs.partsOf(stored), room()))
  }

  const loaded = (): KeyRun[] => {
    if (!searching) {
      searching = true
      refresh()
    }
    return (inMemory ??= runs.all.map(load))
  }

  return {
    candidates: (id) => search(loaded(), id),

    share: () => loaded().map(shared),

    refresh,

    add(run) {
      refresh()
      const merged: StoredRun[] = []
      let length = runLength(run)
      let parts: Iterable<KeyRun> = inParts(run)
      for (let last = runs.all.at(-1); last && isDue(last.length, length); last = runs.all.at(-1)) {
        parts = mergeRuns(runs.partsOf(last), parts)
        length += last.length
        merged.push(last)
        runs.all.pop()
      }
      write(parts, length)
      for (const stored of merged) runs.drop(stored)
      release(run) // it was written, and gathered into another array
    },

    isComplete() {
      runs.all = []
      refresh()
      return runs.all.every((stored) => {
        let entries = 0
        for (const part of runs.partsOf(stored)) entries += runLength(part)
        return entries === stored.length
      })
    },

    length: () => runs.all.reduce((sum, stored) => sum + stored.length, 0),

    compact(keep) {
      refresh()
      const old = runs.all
      runs.all = []
      for (const stored of old) {
        write(mergeRuns(runs.partsOf(stored), [], keep), stored.length)
        runs.drop(stored)
      }
    },
  }
}

/** A run merged by this process isn't shared: shared memory can't be released, and merges make much of it. */
function shared(run: KeyRun): KeyRun {
  if (run.buffer instanceof SharedArrayBuffer) return run
  const copy = new Uint32Array(new SharedArrayBuffer(run.byteLength))
  copy.set(run)
  return copy
}

function isDue(older: number, newer: number): boolean {
  return older <= newer * 2 && older + newer <= RUN_LENGTH_MAX
}

function inParts(run: KeyRun): KeyRun[] {
  const words = PART_ENTRIES * 2
  return Array.from({ length: Math.ceil(run.length / words) }, (_, i) =>
    run.subarray(i * words, (i + 1) * words),
  )
}

/** Joins all parts in `room`, which has at least as many entries. */
function gather(parts: Iterable<KeyRun>, room: KeyRun): KeyRun {
  let words = 0
  for (const part of parts) {
    room.set(part, words)
    words += part.length
  }
  return words === room.length ? room : room.slice(0, words)
}

function bytesOf(run: KeyRun): Uint8Array {
  return new Uint8Array(run.buffer, run.byteOffset, run.byteLength)
}

function toRun(blob: Buffer): KeyRun {
  const words = blob.length >>> 2
  if (blob.byteOffset % 4 === 0) return new Uint32Array(blob.buffer as ArrayBuffer, blob.byteOffset, words)
  const run: KeyRun = new Uint32Array(words)
  new Uint8Array(run.buffer).set(blob)
  return run
}
