/** `backup --sqlite` of the built program, whose child process is a file of its own. */
import assert from "node:assert/strict"
import { mkdirSync } from "node:fs"
import { test } from "node:test"
import { addRows, openMadeDatabase, rowsOf } from "../../engine/testing/live-database.ts"
import { sandbox } from "../testing/run-cli.ts"

test("backup --sqlite saves a live database as one file that opens, and finds it unchanged the next time", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("state"))
  const database = openMadeDatabase(box.path("state/a.db"), { rows: 50 })
  addRows(database, 5) // in the log alone
  box.must("init")
  box.must("backup", box.path("state"), "--sqlite")
  const files = box.must("ls", "latest", "--json").lines.filter(({ type }) => type === "file")
  assert.deepEqual(
    files.map(({ path, capture, torn }) => [path, capture, torn]),
    [["a.db", "sqlite", undefined]],
  )
  assert.equal(
    box.must("backup", box.path("state"), "--sqlite", "--json").lines.at(-1)?.["snapshot_id"],
    null,
  )
  box.must("restore", "latest", "--target", box.path("restored"))
  assert.equal(rowsOf(box.path("restored/a.db")), 55)
  database.close()
})
