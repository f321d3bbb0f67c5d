import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import type { RawPath } from "../base/ids.ts"
import { openHome, sourceFiles } from "../index.ts"
import { backupPlace } from "../testing/backup-place.ts"
import { addRows, openMadeDatabase } from "../testing/live-database.ts"

test("sourceFiles() with sqlite shows a live database as one file, as new as its log", async (t) => {
  const { folder } = await backupPlace(t)
  const source = join(folder, "source")
  fs.mkdirSync(source)
  const database = openMadeDatabase(join(source, "a.db"), { rows: 5 })
  fs.utimesSync(join(source, "a.db"), 1, 1)
  addRows(database, 1)
  fs.writeFileSync(join(source, "other-wal"), "no database beside it")
  const request = {
    paths: [source as RawPath],
    cwd: "/",
    home: openHome({ directory: join(folder, "none"), environment: {} }),
  }
  const seen = (sqlite: boolean): string[] => [...sourceFiles({ ...request, sqlite })].map(({ path }) => path)
  assert.deepEqual(seen(false), ["a.db", "a.db-shm", "a.db-wal", "other-wal"])
  assert.deepEqual(seen(true), ["a.db", "other-wal"])
  const [found] = sourceFiles({ ...request, sqlite: true })
  assert.equal(found?.mtimeNs, fs.statSync(join(source, "a.db-wal"), { bigint: true }).mtimeNs)
  database.close()
})
