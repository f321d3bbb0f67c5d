/**
 * A worker thread's own read-only handle on the chunk index: does a live pack hold this chunk? Loads
 * better-sqlite3 and no other package. It sees what was there when first asked, and later packs after
 * `refresh`; not to know a chunk only means to store it again. A file that is missing or damaged
 * knows nothing, for the same reason: the main thread's handle is the one that reports it.
 */
import { existsSync } from "node:fs"
import { openSqlite, sqliteCode } from "../base/sqlite.ts"
import type { Database } from "../base/sqlite.ts"
import type { ChunkLookup } from "./chunk-index.ts"
import { openChunkSearch } from "./chunk-search.ts"

/** Reads are few and random once the keys are in memory. */
const CACHE_KIB = 1024
const TIMEOUT_MS = 5000

/** @param path of state.sqlite */
export function openChunkLookup(path: string): ChunkLookup {
  const database = existsSync(path) ? orNothing(() => openReadOnly(path)) : undefined
  const search = database === undefined ? undefined : openChunkSearch(database)
  return {
    has: (id) => orNothing(() => search?.has(id)) ?? false,

    refresh() {
      search?.forget()
      orNothing(() => search?.keys.refresh())
    },

    close: () => database?.close(),
  }
}

function openReadOnly(path: string): Database {
  const database = openSqlite(path, { readonly: true, timeoutMs: TIMEOUT_MS })
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
