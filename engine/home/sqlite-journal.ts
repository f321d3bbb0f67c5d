/** The journal in state.sqlite: a row a pending pack. */
import { toHex } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import { createTables, lazyStatement, withStateErrors } from "../base/sqlite.ts"
import type { Database } from "../base/sqlite.ts"
import type { Journal, PendingPack } from "./journal.ts"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS pending_packs (
    id INTEGER PRIMARY KEY, series TEXT NOT NULL, name BLOB NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
    epoch INTEGER NOT NULL, salt BLOB NOT NULL, directory_offset INTEGER NOT NULL,
    directory_sealed_length INTEGER NOT NULL, directory_raw_length INTEGER NOT NULL, directory_codec INTEGER NOT NULL,
    directory BLOB NOT NULL);`

const FIELDS = `series, name, size_bytes AS sizeBytes, epoch, salt, directory_offset AS directoryOffset,
  directory_sealed_length AS directorySealedLength, directory_raw_length AS directoryRawLength,
  directory_codec AS directoryCodec, directory`

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
}

export function openJournal(database: Database): Journal {
  createTables(database, SCHEMA)
  const insert = lazyStatement<[(string | number | Uint8Array)[]]>(
    database,
    `INSERT OR IGNORE INTO pending_packs (series, name, size_bytes, epoch, salt, directory_offset,
      directory_sealed_length, directory_raw_length, directory_codec, directory) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const all = lazyStatement<[], Row>(database, `SELECT ${FIELDS} FROM pending_packs ORDER BY id`)
  const ofSeries = lazyStatement<[string], Row>(
    database,
    `SELECT ${FIELDS} FROM pending_packs WHERE series = ? ORDER BY id`,
  )
  const remove = lazyStatement<[Uint8Array]>(database, "DELETE FROM pending_packs WHERE name = ?")
  const settle = database.transaction((names: Iterable<Digest>): void => {
    for (const name of names) remove().run(Buffer.from(name, "hex"))
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
      insert().run([series, name, sizeBytes, epoch, salt, ...place, directory])
    },
    pending: (series) => (series === undefined ? all().all() : ofSeries().all(series)).map(toPending),
    settle: (names) => settle.immediate(names),
  })
}

function toPending({ series, name, salt, directory, ...rest }: Row): PendingPack {
  const record = { ...rest, name: toHex(name) as Digest, salt: new Uint8Array(salt) }
  // a copy would double what a long run has pending
  const bytes = new Uint8Array(directory.buffer as ArrayBuffer, directory.byteOffset, directory.length)
  return { series, record, directory: bytes }
}
