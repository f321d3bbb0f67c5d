/**
 * What each captured database looked like in the last run of one series and source: an unchanged one is not copied
 * again. It is a cache in state.sqlite, bound to the snapshot that the file cache mirrors; without it every
 * database is copied once more. spec/home.md.
 */
import type { Digest } from "../base/ids.ts"
import { rowSum } from "../base/row-sum.ts"
import { createTables, damagedRow, type Database, lazyStatement, withStateErrors } from "../base/sqlite.ts"

export interface CaptureRecords {
  /** The text that was kept for this snapshot; undefined if it is another snapshot's, or there is none. */
  read(snapshot: Digest): string | undefined
  replace(snapshot: Digest, text: string): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS capture_records (
    series TEXT NOT NULL, source TEXT NOT NULL, snapshot TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (series, source)) WITHOUT ROWID;`

interface Row {
  readonly series: string
  readonly source: string
  readonly snapshot: string
  readonly body: string
  readonly sum: number
}

export function openCaptureRecords(database: Database, series: string, source: string): CaptureRecords {
  createTables(database, SCHEMA)
  const find = lazyStatement<[string, string], Row>(
    database,
    "SELECT series, source, snapshot, body, sum FROM capture_records WHERE series = ? AND source = ?",
  )
  const put = lazyStatement<[string, string, string, string, number]>(
    database,
    "INSERT OR REPLACE INTO capture_records (series, source, snapshot, body, sum) VALUES (?, ?, ?, ?, ?)",
  )
  return withStateErrors<CaptureRecords>(database.name, {
    read(snapshot) {
      const row = find().get(series, source)
      if (row === undefined) return undefined
      if (row.series !== series || row.source !== source || sumOf(row) !== row.sum)
        throw damagedRow("capture_records")
      return row.snapshot === snapshot ? row.body : undefined
    },
    replace(snapshot, body) {
      put().run(series, source, snapshot, body, sumOf({ series, source, snapshot, body }))
    },
  })
}

function sumOf({ series, source, snapshot, body }: Omit<Row, "sum">): number {
  return rowSum([series, source, snapshot, body])
}
