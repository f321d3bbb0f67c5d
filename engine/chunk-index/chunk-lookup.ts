/**
 * A worker thread's look into the chunk index: does a live pack hold this chunk? The keys are those that
 * the main thread has shared, the frames are read through a read-only handle of its own. Loads better-sqlite3 and
 * no other package. What came later it does not know, and of what is gone it finds no row; not to know a chunk only
 * means to store it again. A file that is missing or damaged knows nothing, for the same reason: the main
 * thread's handle is the one that reports it.
 */
import { existsSync } from "node:fs"
import { type Database, openSqlite, sqliteCode } from "../base/sqlite.ts"
import type { ChunkLookup, SharedIndex } from "./chunk-index.ts"
import { openChunkSearch } from "./chunk-search.ts"
import { candidateSearch } from "./key-runs.ts"

/** Reads are few and random. */
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

/** SQLite's failures become undefined; anything else is a bug. */
function orNothing<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (sqliteCode(error) === "") throw error
    return undefined
  }
}
