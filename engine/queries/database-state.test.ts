import assert from "node:assert/strict"
import Sqlite from "better-sqlite3"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { databaseFault, databaseIsHeld, databaseVersion } from "./database-state.ts"

function database(t: TestContext, mode: string): string {
  const folder = fs.mkdtempSync(join(tmpdir(), "holdfast-database-"))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, "x.db")
  const made = new Sqlite(file)
  made.pragma(`journal_mode = ${mode}`)
  made.exec("CREATE TABLE t (x); PRAGMA user_version = 7")
  for (let i = 0; i < 2000; i++) made.prepare("INSERT INTO t VALUES (?)").run("x".repeat(50))
  made.close()
  return file
}

test("databaseIsHeld() finds an idle connection to a database in WAL mode", (t) => {
  const file = database(t, "WAL")
  assert.equal(databaseIsHeld(file), false)
  const other = new Sqlite(file)
  other.prepare("SELECT count(*) FROM t").get()
  assert.equal(databaseIsHeld(file), true)
  other.close()
  assert.equal(databaseIsHeld(file), false)
})

test("databaseIsHeld() finds a transaction of a database with a rollback journal", (t) => {
  const file = database(t, "DELETE")
  const other = new Sqlite(file)
  other.exec("BEGIN IMMEDIATE")
  assert.equal(databaseIsHeld(file), true)
  other.close()
  assert.equal(databaseIsHeld(file), false)
})

test("databaseFault() reports damage and what is no database, and leaves no file", (t) => {
  const file = database(t, "WAL")
  assert.equal(databaseFault(file), undefined)
  assert.equal(databaseVersion(file), 7)
  assert.deepEqual(fs.readdirSync(join(file, "..")), ["x.db"])
  const bytes = fs.readFileSync(file)
  bytes.fill(0xff, 8192, 12_288)
  fs.writeFileSync(file, bytes)
  assert.ok(databaseFault(file) !== undefined)
  fs.writeFileSync(file, "no database".repeat(1000))
  assert.equal(databaseFault(file), "SQLITE_NOTADB")
  assert.equal(databaseVersion(file), undefined)
  assert.equal(databaseFault(`${file}.gone`), "SQLITE_CANTOPEN")
})
