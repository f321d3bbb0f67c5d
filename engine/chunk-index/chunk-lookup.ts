/**
 * A worker thread's read-only look-up: does a live pack have this chunk? It uses the keys that the main
 * thread shared and its own read-only handle on the file. It doesn't see chunks added later, and finds no
 * row for removed ones; an unknown chunk is only stored again. For the same reason a missing or damaged
 * file counts as empty; the main thread reports the damage. Loads better-sqlite3 and no other package.
 */
import { existsSync } from "node:fs"
import { type Database, openSqlite, sqliteCode } from "../base/sqlite.ts"
import type { ChunkLookup, SharedIndex } from "./chunk-index.ts"
import { openChunkSearch } from "./chunk-search.ts"
import { candidateSearch } from "./key-runs.ts"

/** Small, since reads are few and random. */
const CACHE_KIB = 1024
const TIMEOUT_MS = 5000

export function openChunkLookup({ file, keys }: SharedIndex): ChunkLookup {
  const database = existsSync(file) ? orNothing(() => openReadOnly(file)) : undefined
  const candidates = candidateSearch()
  const search = database === undefined ? undefined : openChunkSearch(database, (id) => candidates(keys, id))
  return {
    has: (id) => orNothing(() => search?.has(id)) ?? false,
    close: () => database?.close(),
  }
}

function openReadOnly(file: string): Database {
  const database = openSqlite(file, { readonly: true, timeoutMs: TIMEOUT_MS })
  database.pragma(`cache_size = -${CACHE_KIB}`)
  return database
}

/** Returns undefined if SQLite fails. Other errors are bugs and are thrown. */
function orNothing<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (sqliteCode(error) === "") throw error
    return undefined
  }
}
