/**
 * The chunk index in the home's SQLite file. Rows of packs and frames (`pack-rows.ts`) are the source of
 * truth, key runs (`key-table.ts`) say which frames may have an id, and `chunk-search.ts` compares all 32
 * bytes. Everything can be rebuilt from the store. Measurements: spec/decisions/0004-sqlite-index.md.
 */
import { CHUNK_ID_BYTES, type ChunkId } from "../base/ids.ts"
import { checkWhole, createTables, damagedRow, type Database, withStateErrors } from "../base/sqlite.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import type { ChunkIndex, PackState } from "./chunk-index.ts"
import { openChunkSearch } from "./chunk-search.ts"
import { runOfFrames } from "./key-runs.ts"
import { KEY_TABLE_SCHEMA, type KeyTable, openKeyTable } from "./key-table.ts"
import { openPackRows, PACK_ROWS_SCHEMA, type PackRow, type PackRows, toRecord } from "./pack-rows.ts"
import { STATE_CONDEMNED, STATE_LIVE } from "./row-checks.ts"

/** Keys of removed packs are dropped only from this many on. */
const DEAD_KEYS_MIN = 65_536

/** @param database an open state database (home/state-database.ts); closing it closes the index */
export function openChunkIndex(database: Database): ChunkIndex {
  createTables(database, PACK_ROWS_SCHEMA + KEY_TABLE_SCHEMA)
  const rows = withStateErrors(database.name, openPackRows(database)) // pages are read after the call has returned
  const keys = openKeyTable(database)
  const search = openChunkSearch(database, (id) => keys.candidates(id))

  const addPack = database.transaction((record: PackRecord, frames: readonly DirectoryFrame[]): void => {
    if (rows.find(record.name) !== undefined) return
    const first = rows.insert(record, frames)
    const ids = frames.map((frame) => frame.ids)
    keys.add(runOfFrames(ids, first))
    dropDeadKeys(rows, keys)
  })
  const removePack = database.transaction((name: PackRecord["name"]): void => {
    const row = rows.find(name)
    if (row !== undefined) rows.remove(row)
  })

  let isSound = false
  /**
   * Called when a chunk isn't found: checks the whole file, once.
   * @throws state-damaged
   */
  const verifyOnce = (): undefined => {
    if (!isSound) verify(database, rows, keys)
    isSound = true
    return undefined
  }

  return withStateErrors<ChunkIndex>(database.name, {
    has: (id) => search.has(id),

    locate(id) {
      const place = search.locate(id)
      if (place !== undefined) return place
      keys.refresh() // another process may have added it
      return search.locate(id) ?? verifyOnce()
    },

    locateAll(ids) {
      const places = search.locateAll(ids)
      if (places !== undefined) return places
      keys.refresh()
      return search.locateAll(ids) ?? verifyOnce()
    },

    isEmpty: () => !rows.anyLive(),
    share: () => ({ file: database.name, keys: keys.share() }),
    counts: () => rows.counts(),

    addPack(record, frames) {
      search.forget() // references of removed frames are reused
      addPack.immediate(record, frames)
    },

    removePack(name) {
      search.forget()
      removePack.immediate(name)
    },

    setPackState(name, state) {
      search.forget()
      return rows.setState(name, stateNumber(state))
    },

    ...packViews(rows),
  })
}

function verify(database: Database, rows: PackRows, keys: KeyTable): void {
  checkWhole(database)
  if (!keys.isComplete()) throw damagedRow("key_parts")
  for (const row of pagedRows(rows, undefined)) rows.frames(row)
}

type PackViews = Pick<ChunkIndex, "hasPack" | "pack" | "packState" | "packs" | "framesOfPack" | "idsOfPack">

function packViews(rows: PackRows): PackViews {
  return {
    hasPack: (name) => rows.find(name) !== undefined,

    pack(name) {
      const row = rows.find(name)
      return row === undefined ? undefined : toRecord(row)
    },

    packState(name) {
      const row = rows.find(name)
      return row === undefined ? undefined : row.state === STATE_LIVE ? "live" : "condemned"
    },

    packs: (state) => pagedPacks(rows, state),

    framesOfPack(name) {
      const row = rows.find(name)
      return row === undefined ? [] : rows.frames(row)
    },

    idsOfPack(name) {
      const row = rows.find(name)
      return row === undefined ? [] : rows.frames(row).flatMap(idsOf)
    },
  }
}

function* pagedPacks(rows: PackRows, state: PackState | undefined): Generator<PackRecord> {
  for (const row of pagedRows(rows, state === undefined ? undefined : stateNumber(state))) yield toRecord(row)
}

/** Reads in pages, since an open SQLite cursor would block writes to the index. */
function* pagedRows(rows: PackRows, state: number | undefined): Generator<PackRow> {
  for (let page = rows.after(0, state); page.length > 0; page = rows.after(page.at(-1)?.id ?? 0, state))
    yield* page
}

function idsOf(frame: DirectoryFrame): ChunkId[] {
  return Array.from(
    frame.lengths,
    (_, i) => frame.ids.subarray(i * CHUNK_ID_BYTES, (i + 1) * CHUNK_ID_BYTES) as ChunkId,
  )
}

/**
 * Drops the keys of removed packs when they are a third of all. They only cost space and needless look-ups.
 */
function dropDeadKeys(rows: PackRows, keys: KeyTable): void {
  if (keys.length() < DEAD_KEYS_MIN) return
  if (keys.length() - rows.chunks() < Math.max(DEAD_KEYS_MIN, keys.length() / 3)) return
  const inUse = rows.referencesInUse()
  keys.compact((reference) => inUse[reference] === 1)
}

function stateNumber(state: PackState): number {
  return state === "live" ? STATE_LIVE : STATE_CONDEMNED
}
