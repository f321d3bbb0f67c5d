import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { names } from "../../testing/backup-place.ts"
import { keep, made, restored } from "../../testing/capture-place.ts"
import { addRows, makeDatabase, openMadeDatabase, rowsOf } from "../../testing/live-database.ts"
import { alsoAsOrdinaryUser } from "../../testing/ordinary-user.ts"

test("backup() copies a database in a folder that it can't write to", async (t) => {
  const place = await made(t)
  fs.mkdirSync(place.at("closed"))
  makeDatabase(place.at("closed/rest.db"), { rows: 20 })
  const database = openMadeDatabase(place.at("closed/live.db"), { rows: 20 })
  addRows(database, 2)
  for (const name of names(place.at("closed"))) fs.chmodSync(place.at(`closed/${name}`), 0o444)
  fs.chmodSync(place.at("closed"), 0o555)
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "closed/live.db": "sqlite", "closed/rest.db": "sqlite" })
  const target = await restored(place, saved)
  fs.chmodSync(join(target, "closed"), 0o755)
  for (const name of ["live.db", "rest.db"]) fs.chmodSync(join(target, "closed", name), 0o644)
  assert.deepEqual([rowsOf(join(target, "closed/live.db")), rowsOf(join(target, "closed/rest.db"))], [22, 20])
  fs.chmodSync(place.at("closed"), 0o755)
  database.close()
})

alsoAsOrdinaryUser(import.meta.url)
