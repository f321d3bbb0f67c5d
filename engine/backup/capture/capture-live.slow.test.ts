import assert from "node:assert/strict"
import { test } from "node:test"
import { keep, made } from "../../testing/capture-place.ts"
import {
  addRows,
  killWriter,
  makeDatabase,
  openMadeDatabase,
  startWriter,
} from "../../testing/live-database.ts"

test("backup() reads a database as it is, with its log, if an exclusive writer never rests", async (t) => {
  const place = await made(t)
  makeDatabase(place.at("a.db"), { rows: 20_000 })
  const writer = await startWriter(place.at("a.db"), 2000, "exclusive")
  t.after(() => killWriter(writer))
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "a.db": "sqlite-raw", "a.db-wal": "sqlite-raw" })
  assert.match(
    saved.notices.join("\n"),
    /a\.db: another program has it locked and writes to it\. Its files are saved/,
  )
})

test("backup() stores about two per cent of a 20 MB database to which 50 rows were added", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 20_000 })
  await keep(place)
  addRows(database, 50)
  const { summary } = await keep(place)
  assert.ok(summary.bytes > 19e6 && summary.dataAdded < summary.bytes * 0.02, JSON.stringify(summary))
  database.close()
})
