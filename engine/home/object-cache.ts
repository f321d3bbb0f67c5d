/**
 * Caches small signed objects of the log (trust states, chain entries, contents of bundles), so each is
 * fetched once. Names contain digests, and readers verify objects from here as from a store.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { createTables, type Database, lazyStatement, withStateErrors } from "../base/sqlite.ts"

const SCHEMA = "CREATE TABLE IF NOT EXISTS object_cache (name TEXT PRIMARY KEY, bytes BLOB NOT NULL);"

export interface ObjectCache {
  /** Not verified: the reader checks signature or digest. */
  get(name: ObjectName): Bytes | undefined
  /** Returns every cached name with the prefix, in byte order. */
  names(prefix: string): ObjectName[]
  /** In one transaction. An existing name isn't written again. */
  put(objects: Iterable<readonly [ObjectName, Uint8Array]>): void
  remove(names: Iterable<ObjectName>): void
}

export function openObjectCache(database: Database): ObjectCache {
  createTables(database, SCHEMA)
  const get = lazyStatement<[string], Buffer>(
    database,
    "SELECT bytes FROM object_cache WHERE name = ?",
    "pluck",
  )
  const names = lazyStatement<[string, string], ObjectName>(
    database,
    "SELECT name FROM object_cache WHERE name >= ? AND name < ? ORDER BY name",
    "pluck",
  )
  const put = lazyStatement<[string, Uint8Array]>(
    database,
    "INSERT OR IGNORE INTO object_cache VALUES (?, ?)",
  )
  const remove = lazyStatement<[string]>(database, "DELETE FROM object_cache WHERE name = ?")
  const putAll = database.transaction((objects: Iterable<readonly [ObjectName, Uint8Array]>): void => {
    for (const [name, bytes] of objects) put().run(name, bytes)
  })
  const removeAll = database.transaction((all: Iterable<ObjectName>): void => {
    for (const name of all) remove().run(name)
  })
  return withStateErrors<ObjectCache>(database.name, {
    get(name) {
      const bytes = get().get(name)
      return bytes === undefined ? undefined : new Uint8Array(bytes)
    },
    names: (prefix) => names().all(prefix, `${prefix}\u{10ffff}`),
    put: (objects) => putAll.immediate(objects),
    remove: (all) => removeAll.immediate(all),
  })
}
