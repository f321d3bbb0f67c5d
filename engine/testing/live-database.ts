/**
 * SQLite databases for tests of capture, with an invariant that a torn copy breaks: `total.n` is the number of rows
 * of `t`. As a program it writes transactions until it is killed:
 *
 *     live-database.ts FILE TRANSACTIONS_PER_SECOND [exclusive]
 */
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Database, openSqlite } from "../base/sqlite.ts"

const ROW_BYTES = 1000

export interface MadeDatabase {
  readonly rows: number
  readonly journal?: "wal" | "delete"
}

/** Makes a database of about 1.1 KB a row and leaves it open. */
export function openMadeDatabase(file: string, { rows, journal = "wal" }: MadeDatabase): Database {
  writeFileSync(file, "")
  const database = openSqlite(file, { timeoutMs: 5000 })
  database.pragma(`journal_mode = ${journal}`)
  database.pragma("synchronous = NORMAL")
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, seq INT, body TEXT); CREATE INDEX i ON t (seq)")
  database.exec("CREATE TABLE total (n INT); INSERT INTO total VALUES (0)")
  addRows(database, rows)
  if (journal === "wal") database.pragma("wal_checkpoint(TRUNCATE)")
  return database
}

export function makeDatabase(file: string, made: MadeDatabase): void {
  openMadeDatabase(file, made).close()
}

/** Adds rows in one transaction. */
export function addRows(database: Database, count: number): void {
  const insert = database.prepare("INSERT INTO t (seq, body) VALUES (?, ?)")
  database.transaction(() => {
    for (let i = 0; i < count; i++) insert.run(i, randomBytes(ROW_BYTES / 2).toString("hex"))
    database.exec(`UPDATE total SET n = n + ${count}`)
  })()
}

/** Opens the database as its program would. @returns the number of its rows @throws unless it is sound and one state */
export function rowsOf(file: string): number {
  const database = openSqlite(file, { timeoutMs: 0 })
  try {
    assert.equal(database.pragma("integrity_check", { simple: true }), "ok")
    const rows = database.prepare("SELECT count(*) FROM t").pluck().get()
    assert.equal(database.prepare("SELECT n FROM total").pluck().get(), rows)
    return Number(rows)
  } finally {
    database.close()
  }
}

/** Starts this file as a program, and waits until it writes. */
export async function startWriter(file: string, rate: number, ...mode: "exclusive"[]): Promise<ChildProcess> {
  const here = fileURLToPath(import.meta.url)
  const words = ["--import", "tsx", here, file, String(rate), ...mode]
  const writer = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] })
  await once(writer.stdout, "data")
  return writer
}

export async function killWriter(writer: ChildProcess): Promise<void> {
  const exited = once(writer, "exit")
  writer.kill("SIGKILL")
  await exited
}

function write(file: string, rate: number, isExclusive: boolean): void {
  const database = openSqlite(file, { timeoutMs: 5000 })
  database.pragma("synchronous = NORMAL")
  if (isExclusive) database.pragma("locking_mode = EXCLUSIVE")
  const change = database.prepare("UPDATE t SET body = ? WHERE id = ?")
  const startedMs = performance.now()
  let done = 0
  setInterval(() => {
    for (const due = ((performance.now() - startedMs) / 1000) * rate; done < due; done++) {
      database.transaction(() => {
        addRows(database, 1)
        change.run("x".repeat(900), 1 + ((done * 7919) % 1000))
      })()
    }
    process.stdout.write(".")
  }, 2)
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  write(process.argv[2] ?? "", Number(process.argv[3]), process.argv[4] === "exclusive")
