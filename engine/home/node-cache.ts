/**
 * Caches the listing nodes of each series' bases, so a small change is merged into its listing
 * without a fetch. A node that doesn't match its id counts as missing. `keepOnly` limits the size.
 */
import { type Bytes, equalBytes, toHex } from "../base/bytes.ts"
import type { ChunkId } from "../base/ids.ts"
import { createTables, type Database, lazyStatement, withStateErrors } from "../base/sqlite.ts"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS node_cache (
    series TEXT NOT NULL, id BLOB NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (series, id));`

export interface NodeCache {
  /** Verified: bytes that don't match the id count as missing. */
  get(id: ChunkId): Bytes | undefined
  /** In one transaction. */
  put(nodes: Iterable<readonly [ChunkId, Uint8Array]>): void
  /** Removes this series' other nodes: pass those of every base. Returns how many were removed. */
  keepOnly(ids: Iterable<ChunkId>): number
}

export type Identify = (node: Bytes) => ChunkId

/** Opens the nodes of one series. A node shared by two series is stored for each. */
export function openNodeCache(database: Database, series: string, identify: Identify): NodeCache {
  createTables(database, SCHEMA)
  const get = lazyStatement<[string, Uint8Array], Buffer>(
    database,
    "SELECT bytes FROM node_cache WHERE series = ? AND id = ?",
    "pluck",
  )
  const put = lazyStatement<[string, Uint8Array, Uint8Array]>(
    database,
    `INSERT INTO node_cache VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET bytes = excluded.bytes WHERE bytes IS NOT excluded.bytes`,
  )
  const ids = lazyStatement<[string], Buffer>(database, "SELECT id FROM node_cache WHERE series = ?", "pluck")
  const remove = lazyStatement<[string, Uint8Array]>(
    database,
    "DELETE FROM node_cache WHERE series = ? AND id = ?",
  )
  const putAll = database.transaction((nodes: Iterable<readonly [ChunkId, Uint8Array]>): void => {
    for (const [id, bytes] of nodes) put().run(series, id, bytes)
  })
  const keepOnly = database.transaction((kept: Iterable<ChunkId>): number => {
    const wanted = new Set(Array.from(kept, toHex))
    const others = ids()
      .all(series)
      .filter((id) => !wanted.has(toHex(id)))
    for (const id of others) remove().run(series, id)
    return others.length
  })
  return withStateErrors<NodeCache>(database.name, {
    get(id) {
      const found = get().get(series, id)
      const bytes = found === undefined ? undefined : new Uint8Array(found)
      return bytes !== undefined && equalBytes(identify(bytes), id) ? bytes : undefined
    },
    put: (nodes) => putAll.immediate(nodes),
    keepOnly: (kept) => keepOnly.immediate(kept),
  })
}
