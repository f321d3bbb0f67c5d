/**
 * The journal of packs that are durable in the store and that no entry of this device names yet: an
 * interrupted run resumes there. An entry must name every pending pack that it refers to, whatever series
 * made it, because the index knows their chunks. It is a cache in state.sqlite, one row per pack: when it is
 * lost, the packs are garbage for GC and their content is uploaded again. spec/home.md.
 */
import { type Bytes, toHex } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import type { PackRecord } from "../format/pack.ts"
import { rowSum } from "../base/row-sum.ts"
import { createTables, damagedRow, type Database, lazyStatement, withStateErrors } from "../base/sqlite.ts"

export interface PendingPack {
  /** The series whose run made it. */
  readonly series: string
  readonly record: PackRecord
  /** The encoded directory, as it goes into an entry or a segment. */
  readonly directory: Bytes
}

export interface Journal {
  /**
   * Called after the pack is durable (rule W1), in one transaction with the index's `addPack`. Then
   * every known chunk is in a pack that an entry will list. Idempotent.
   */
  add(pack: PendingPack): void

  /** Returns pending packs in the order they were added, of one series or of all. */
  pending(series?: string): PendingPack[]

  /** Called after an entry that lists them is durable (rule W3), or after they were found missing. */
  settle(names: Iterable<Digest>): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS pending_packs (
    id INTEGER PRIMARY KEY, series TEXT NOT NULL, name BLOB NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
    epoch INTEGER NOT NULL, salt BLOB NOT NULL, directory_offset INTEGER NOT NULL,
    directory_sealed_length INTEGER NOT NULL, directory_raw_length INTEGER NOT NULL, directory_codec INTEGER NOT NULL,
    directory BLOB NOT NULL, sum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS pending_count (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, sum INTEGER NOT NULL);`

const FIELDS = `series, name, size_bytes AS sizeBytes, epoch, salt, directory_offset AS directoryOffset,
  directory_sealed_length AS directorySealedLength, directory_raw_length AS directoryRawLength,
  directory_codec AS directoryCodec, directory, sum`

interface Row {
  series: string
  name: Buffer
  sizeBytes: number
  epoch: number
  salt: Buffer
  directoryOffset: number
  directorySealedLength: number
  directoryRawLength: number
  directoryCodec: number
  directory: Buffer
  sum: number
}

const TABLE = "pending_packs"
const COUNT_ID = 1

export function openJournal(database: Database): Journal {
  createTables(database, SCHEMA)
  const insert = lazyStatement<[(string | number | Uint8Array)[]]>(
    database,
    `INSERT OR IGNORE INTO pending_packs (series, name, size_bytes, epoch, salt, directory_offset,
      directory_sealed_length, directory_raw_length, directory_codec, directory, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const all = lazyStatement<[], Row>(database, `SELECT ${FIELDS} FROM pending_packs ORDER BY id`)
  const remove = lazyStatement<[Uint8Array]>(database, "DELETE FROM pending_packs WHERE name = ?")
  const counter = openCounter(database)
  const settle = database.transaction((names: Iterable<Digest>): void => {
    let settled = 0
    for (const name of names) settled += remove().run(Buffer.from(name, "hex")).changes
    counter.change(-settled)
  })
  const add = database.transaction((values: (string | number | Uint8Array)[]): void => {
    counter.change(insert().run([...values, rowSum(values)]).changes)
  })
  return withStateErrors<Journal>(database.name, {
    add({ series, record, directory }) {
      const {
        sizeBytes,
        epoch,
        salt,
        directoryOffset,
        directorySealedLength,
        directoryRawLength,
        directoryCodec,
      } = record
      const name = Buffer.from(record.name, "hex")
      const place = [directoryOffset, directorySealedLength, directoryRawLength, directoryCodec]
      add.immediate([series, name, sizeBytes, epoch, salt, ...place, directory])
    },
    pending(series) {
      const rows = all().all()
      // The index knows these packs' chunks. If an entry omitted one, its chunks would be lost.
      if (rows.length !== counter.count()) throw damagedRow(TABLE)
      const packs = rows.map(toPending)
      return series === undefined ? packs : packs.filter((pack) => pack.series === series)
    },
    settle: (names) => settle.immediate(names),
  })
}

interface Counter {
  count(): number
  change(by: number): void
}

/** Counts pending packs in a separate row, so missing rows are detected. */
function openCounter(database: Database): Counter {
  const read = lazyStatement<[number], { count: number; sum: number }>(
    database,
    "SELECT count, sum FROM pending_count WHERE id = ?",
  )
  const write = lazyStatement<[number, number, number]>(
    database,
    "INSERT INTO pending_count VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = excluded.count, sum = excluded.sum",
  )
  const count = (): number => {
    const row = read().get(COUNT_ID)
    if (row !== undefined && row.sum !== rowSum([COUNT_ID, row.count])) throw damagedRow("pending_count")
    return row?.count ?? 0
  }
  return {
    count,
    change(by) {
      if (by === 0) return
      const next = count() + by
      write().run(COUNT_ID, next, rowSum([COUNT_ID, next]))
    },
  }
}

function toPending({ sum, ...row }: Row): PendingPack {
  const { series, name, salt, directory, ...rest } = row
  const { sizeBytes, epoch, directoryOffset, directorySealedLength, directoryRawLength, directoryCodec } =
    rest
  const place = [directoryOffset, directorySealedLength, directoryRawLength, directoryCodec]
  if (rowSum([series, name, sizeBytes, epoch, salt, ...place, directory]) !== sum) throw damagedRow(TABLE)
  const record = { ...rest, name: toHex(name) as Digest, salt: new Uint8Array(salt) }
  // a copy would double a long run's pending bytes
  const bytes = new Uint8Array(directory.buffer as ArrayBuffer, directory.byteOffset, directory.length)
  return { series, record, directory: bytes }
}
