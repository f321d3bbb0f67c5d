/**
 * SQLite databases from a seed. Rollback journal, no clock and no automatic vacuum, so the same steps give the same
 * file. Between two steps the database is closed and has no other files.
 */
import Database from "better-sqlite3"
import type { SeededRandom } from "./random.ts"
import type { TextMaker } from "./text.ts"

/** The sources of a database's rows. */
export interface RowMaker {
  readonly random: SeededRandom
  readonly text: TextMaker
}

/** Makes a database of memories with about `length` bytes; a fifth of it is embeddings, which do not compress. */
export function createDatabase(path: string, length: number, maker: RowMaker): void {
  const database = open(path)
  database.exec(
    "CREATE TABLE memory (id INTEGER PRIMARY KEY, topic TEXT, body TEXT, seen INTEGER, embedding BLOB);" +
      "CREATE INDEX memory_topic ON memory (topic)",
  )
  addRows(database, Math.ceil(length / 1_640), maker)
  database.close()
}

/** Rewrites the body of `count` rows, most of them among the newest, and adds `added` rows. */
export function changeDatabase(
  path: string,
  change: { updated: number; added: number; recent: number },
  maker: RowMaker,
): void {
  const database = open(path)
  const rows = rowCount(database)
  const update = database.prepare("UPDATE memory SET body = ?, seen = seen + 1 WHERE id = ?")
  database.exec("BEGIN")
  for (let index = 0; index < change.updated; index++) {
    const recent = maker.random.unit() < change.recent
    const id = recent ? rows - maker.random.below(Math.min(200, rows)) : maker.random.between(1, rows)
    update.run(maker.text.prose(200), id)
  }
  database.exec("COMMIT")
  addRows(database, change.added, maker)
  database.close()
}

export function vacuumDatabase(path: string): void {
  const database = open(path)
  database.exec("VACUUM")
  database.close()
}

function open(path: string): Database.Database {
  const database = new Database(path)
  database.pragma("journal_mode = DELETE")
  database.pragma("synchronous = OFF")
  return database
}

function rowCount(database: Database.Database): number {
  return database.prepare<[], number>("SELECT count(*) FROM memory").pluck().get() ?? 0
}

function addRows(database: Database.Database, count: number, maker: RowMaker): void {
  const insert = database.prepare("INSERT INTO memory (topic, body, seen, embedding) VALUES (?, ?, 0, ?)")
  database.exec("BEGIN")
  for (let index = 0; index < count; index++) {
    const topic = maker.text.sentence().slice(0, 40)
    insert.run(topic, maker.text.prose(maker.random.between(200, 900)), maker.random.bytes(256))
  }
  database.exec("COMMIT")
}
