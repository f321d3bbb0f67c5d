/**
 * The file cache in state.sqlite: a row a directory, a base row for each series and source. Rows lie
 * in a table with row numbers, since a record of 2 KB would overflow an index page: 11 µs a read, not 15.
 */
import { toHex } from "../base/bytes.ts"
import type { ChunkId, Digest, RawPath } from "../base/ids.ts"
import { pathBytes } from "../base/paths.ts"
import { createTables, lazyStatement, withStateErrors } from "../base/sqlite.ts"
import type { Database } from "../base/sqlite.ts"
import type { FileCache, FileCacheBase } from "./file-cache.ts"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS file_cache_base (
    id INTEGER PRIMARY KEY, series TEXT NOT NULL, source TEXT NOT NULL, root BLOB NOT NULL, level INTEGER NOT NULL,
    snapshot BLOB NOT NULL, UNIQUE (series, source));
  CREATE TABLE IF NOT EXISTS file_cache (
    base INTEGER NOT NULL, path BLOB NOT NULL, record BLOB NOT NULL, PRIMARY KEY (base, path));`

interface BaseRow {
  id: number
  root: Buffer
  level: number
  snapshot: Buffer
}

/** @param source what was walked, as the caller names it: two roots of one series are two caches */
export function openFileCache(database: Database, series: string, source: string): FileCache {
  createTables(database, SCHEMA)
  const find = lazyStatement<[string, string], BaseRow>(
    database,
    "SELECT id, root, level, snapshot FROM file_cache_base WHERE series = ? AND source = ?",
  )
  const read = lazyStatement<[number, Uint8Array], Buffer>(
    database,
    "SELECT record FROM file_cache WHERE base = ? AND path = ?",
    "pluck",
  )
  const writes = openWrites(database, series, source)
  const row = (): BaseRow | undefined => find().get(series, source)
  let known: BaseRow | undefined | null = null
  const current = (): BaseRow | undefined => {
    if (known === null) known = row()
    return known
  }

  const replace = database.transaction(
    (base: FileCacheBase, changed: Iterable<readonly [RawPath, Uint8Array | null]>): void => {
      const id = row()?.id ?? writes.insertBase(base)
      writes.moveBase(id, base)
      for (const [path, record] of changed) writes.record(id, path, record)
    },
  )
  const clear = database.transaction((): void => {
    const id = row()?.id
    if (id !== undefined) writes.clear(id)
  })

  return withStateErrors<FileCache>(database.name, {
    base() {
      known = row()
      return known === undefined ? undefined : toBase(known)
    },

    directory(path) {
      const id = current()?.id
      return id === undefined ? undefined : read().get(id, pathBytes(path))
    },

    replace(base, changed) {
      known = null
      replace.immediate(base, changed)
    },

    clear() {
      known = null
      clear.immediate()
    },
  })
}

/** What the records of each source of the series describe. */
export function fileCacheBases(database: Database, series: string): FileCacheBase[] {
  createTables(database, SCHEMA)
  const all = lazyStatement<[string], BaseRow>(
    database,
    "SELECT id, root, level, snapshot FROM file_cache_base WHERE series = ?",
  )
  return withStateErrors(database.name, { all: () => all().all(series).map(toBase) }).all()
}

interface Writes {
  insertBase(base: FileCacheBase): number
  moveBase(id: number, base: FileCacheBase): void
  record(id: number, path: RawPath, record: Uint8Array | null): void
  clear(id: number): void
}

function openWrites(database: Database, series: string, source: string): Writes {
  const insertBase = lazyStatement<[string, string, Uint8Array, number, Uint8Array]>(
    database,
    "INSERT INTO file_cache_base (series, source, root, level, snapshot) VALUES (?, ?, ?, ?, ?)",
  )
  const moveBase = lazyStatement<[Uint8Array, number, Uint8Array, number]>(
    database,
    "UPDATE file_cache_base SET root = ?, level = ?, snapshot = ? WHERE id = ?",
  )
  const put = lazyStatement<[number, Uint8Array, Uint8Array]>(
    database,
    "INSERT INTO file_cache VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record",
  )
  const remove = lazyStatement<[number, Uint8Array]>(
    database,
    "DELETE FROM file_cache WHERE base = ? AND path = ?",
  )
  /** Paths are compared byte by byte, and "0" follows "/". */
  const removeBelow = lazyStatement<[number, Uint8Array, Uint8Array]>(
    database,
    "DELETE FROM file_cache WHERE base = ? AND path > ? AND path < ?",
  )
  const removeAll = lazyStatement<[number]>(database, "DELETE FROM file_cache WHERE base = ?")
  const removeBase = lazyStatement<[number]>(database, "DELETE FROM file_cache_base WHERE id = ?")
  const digest = (base: FileCacheBase): Buffer => Buffer.from(base.snapshot, "hex")
  return {
    insertBase: (base) =>
      Number(insertBase().run(series, source, base.root, base.level, digest(base)).lastInsertRowid),
    moveBase: (id, base) => void moveBase().run(base.root, base.level, digest(base), id),
    record(id, path, record) {
      if (record !== null) return void put().run(id, pathBytes(path), record)
      remove().run(id, pathBytes(path))
      removeBelow().run(id, pathBytes(`${path}/` as RawPath), pathBytes(`${path}0` as RawPath))
    },
    clear(id) {
      removeAll().run(id)
      removeBase().run(id)
    },
  }
}

function toBase({ root, level, snapshot }: BaseRow): FileCacheBase {
  return { root: new Uint8Array(root) as ChunkId, level, snapshot: toHex(snapshot) as Digest }
}
