/**
 * What the last complete run of one series found in one source: a record per directory, compared with fresh
 * `lstat` results (rule W8), so that unchanged files are not read. It is a cache in state.sqlite: without it
 * every file is read once more and nothing new is stored. `directory-record.ts` encodes the records.
 * spec/home.md.
 *
 * One row per directory, and a base row for each series and source. The table has row numbers, because a
 * record of 2 KB would overflow an index page: a read takes 11 µs instead of 15.
 */
import { hash, randomBytes } from "node:crypto"
import { toHex } from "../base/bytes.ts"
import type { ChunkId, Digest, RawPath } from "../base/ids.ts"
import { pathBytes } from "../base/paths.ts"
import { rowSum } from "../base/row-sum.ts"
import { createTables, damagedRow, type Database, lazyStatement, withStateErrors } from "../base/sqlite.ts"

/** The snapshot that the records describe. They count only while its listing is reachable. */
export interface FileCacheBase {
  readonly root: ChunkId
  readonly level: number
  /** Digest of the chain entry. */
  readonly snapshot: Digest
}

export interface FileCache {
  base(): FileCacheBase | undefined

  /** Returns a directory's record ("" for the root), or undefined if it is missing or damaged. */
  directory(path: RawPath): Uint8Array | undefined

  /**
   * Moves the cache to a new base in one transaction. `changed` replaces records; null removes a
   * folder's record and all below it; the others stay. A crash leaves the old state or the new one.
   */
  replace(base: FileCacheBase, changed: Iterable<readonly [RawPath, Uint8Array | null]>): void

  /** Forgets the base and all records. */
  clear(): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS file_cache_base (
    id INTEGER PRIMARY KEY, series TEXT NOT NULL, source TEXT NOT NULL, root BLOB NOT NULL, level INTEGER NOT NULL,
    snapshot BLOB NOT NULL, sum INTEGER NOT NULL, UNIQUE (series, source));
  CREATE TABLE IF NOT EXISTS file_cache (
    base INTEGER NOT NULL, path BLOB NOT NULL, record BLOB NOT NULL, PRIMARY KEY (base, path));`

/**
 * The key of a longer path is its first bytes and its digest. Otherwise rows of deep folders would
 * be as long as their paths.
 */
const KEY_BYTES_MAX = 512

/** Bytes before each record that bind it to its base and path, so no other record can replace it. */
const BINDING_BYTES = 4

interface BaseRow {
  id: number
  series: string
  source: string
  root: Buffer
  level: number
  snapshot: Buffer
  sum: number
}

const BASE_FIELDS = "id, series, source, root, level, snapshot, sum"

/** @param source the caller's name for the walked source: two roots in one series have two caches */
export function openFileCache(database: Database, series: string, source: string): FileCache {
  createTables(database, SCHEMA)
  const find = lazyStatement<[string, string], BaseRow>(
    database,
    `SELECT ${BASE_FIELDS} FROM file_cache_base WHERE series = ? AND source = ?`,
  )
  const read = lazyStatement<[number, Uint8Array], Buffer>(
    database,
    "SELECT record FROM file_cache WHERE base = ? AND path = ?",
    "pluck",
  )
  const writes = openWrites(database, series, source)
  const row = (): BaseRow | undefined => {
    const found = find().get(series, source)
    if (found !== undefined && (found.series !== series || found.source !== source)) throw damagedRow(TABLE)
    return checked(found)
  }
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
      const found = id === undefined ? undefined : read().get(id, pathKey(path))
      return id === undefined || found === undefined ? undefined : unbound(found, id, path)
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

/** Returns the base of each source of the series. */
export function fileCacheBases(database: Database, series: string): FileCacheBase[] {
  createTables(database, SCHEMA)
  const all = lazyStatement<[string], BaseRow>(
    database,
    `SELECT ${BASE_FIELDS} FROM file_cache_base WHERE series = ?`,
  )
  const bases = (): FileCacheBase[] =>
    all()
      .all(series)
      .map((row) => toBase(checked(row)))
  return withStateErrors(database.name, { bases }).bases()
}

const TABLE = "file_cache_base"

function checked<Row extends BaseRow | undefined>(row: Row): Row {
  if (row !== undefined && row.sum !== baseSum(row)) throw damagedRow(TABLE)
  return row
}

function baseSum({ id, series, source, root, level, snapshot }: Omit<BaseRow, "sum">): number {
  return rowSum([id, series, source, root, level, snapshot])
}

/** A record's binding has the whole path. */
function pathKey(path: RawPath): Uint8Array {
  const bytes = pathBytes(path)
  if (bytes.length <= KEY_BYTES_MAX) return bytes
  return Buffer.concat([bytes.subarray(0, KEY_BYTES_MAX), hash("sha256", bytes, "buffer")])
}

/** The record's own checksum, at its start, covers the rest. */
function binding(record: Uint8Array, base: number, path: RawPath): number {
  return rowSum([base, path, record.subarray(0, BINDING_BYTES)])
}

function bound(record: Uint8Array, base: number, path: RawPath): Uint8Array {
  const bytes = Buffer.allocUnsafe(BINDING_BYTES + record.length)
  bytes.writeUInt32LE(binding(record, base, path), 0)
  bytes.set(record, BINDING_BYTES)
  return bytes
}

function unbound(bytes: Buffer, base: number, path: RawPath): Uint8Array | undefined {
  if (bytes.length < BINDING_BYTES) return undefined
  const record = bytes.subarray(BINDING_BYTES)
  return bytes.readUInt32LE(0) === binding(record, base, path) ? record : undefined
}

interface Writes {
  insertBase(base: FileCacheBase): number
  moveBase(id: number, base: FileCacheBase): void
  record(id: number, path: RawPath, record: Uint8Array | null): void
  clear(id: number): void
}

function openWrites(database: Database, series: string, source: string): Writes {
  const insertBase = lazyStatement<[number, string, string, Uint8Array, number, Uint8Array, number]>(
    database,
    `INSERT INTO file_cache_base (${BASE_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const moveBase = lazyStatement<[Uint8Array, number, Uint8Array, number, number]>(
    database,
    "UPDATE file_cache_base SET root = ?, level = ?, snapshot = ?, sum = ? WHERE id = ?",
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
  const sumOf = (id: number, base: FileCacheBase): number =>
    rowSum([id, series, source, base.root, base.level, digest(base)])
  return {
    insertBase(base) {
      const id = randomBytes(6).readUIntBE(0, 6) // records of a lost row belong to no base
      insertBase().run(id, series, source, base.root, base.level, digest(base), sumOf(id, base))
      return id
    },
    moveBase: (id, base) => void moveBase().run(base.root, base.level, digest(base), sumOf(id, base), id),
    record(id, path, record) {
      if (record !== null) return void put().run(id, pathKey(path), bound(record, id, path))
      remove().run(id, pathKey(path))
      // for longer paths only the folder's own record is found; others are removed with a folder above
      if (path.length >= KEY_BYTES_MAX) return
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
