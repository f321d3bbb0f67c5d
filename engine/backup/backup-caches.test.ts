/** Damaged caches: their content is verified, or it affects no snapshot. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { isEngineError } from "../base/errors.ts"
import { openSqlite } from "../base/sqlite.ts"
import { check, type Repository } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { faultyStore, StoreCrash } from "../testing/faulty-store.ts"

const random = seededRandom("caches")

function write(path: string, bytes = 3000): void {
  fs.mkdirSync(join(path, ".."), { recursive: true })
  fs.writeFileSync(path, random.bytes(bytes))
  setMtime(path, 1_700_000_000_000_000_000n)
}

function sourceOf({ folder }: BackupPlace): string {
  const source = join(folder, "source")
  for (const name of ["a/kept", "a/gone", "b/kept", "b/gone", "c/deep/kept", "c/deep/gone"])
    write(join(source, name))
  return source
}

function remove(source: string): void {
  for (const name of ["a/gone", "b/gone", "c/deep/gone"]) fs.rmSync(join(source, name))
  write(join(source, "b/new"))
}

/** Changes the state database while it isn't open. */
async function damage(place: BackupPlace, repository: Repository, sql: string): Promise<Repository> {
  repository.close()
  const database = openSqlite(repository.home.statePath, { timeoutMs: 0 })
  assert.ok(database.prepare(sql).run().changes > 0, sql)
  database.close()
  return await place.open()
}

async function assertSaved(place: BackupPlace, at: string, source: string): Promise<void> {
  const elsewhere = await place.open(place.newHome())
  assert.deepEqual((await check(elsewhere, { readData: true })).errors, [])
  const target = fs.mkdtempSync(join(place.folder, "target-"))
  await restoreTo(elsewhere, at, target)
  assertPicture(target, pictureOf(source))
}

const MISSES: Record<string, string> = {
  "without a folder's record": "DELETE FROM file_cache WHERE path = CAST('c/deep' AS BLOB)",
  "with a folder's record cut off": "UPDATE file_cache SET record = x'00' WHERE path = CAST('a' AS BLOB)",
  "with another folder's record": `UPDATE file_cache SET record =
    (SELECT record FROM file_cache WHERE path = CAST('b' AS BLOB)) WHERE path = CAST('a' AS BLOB)`,
  "with damaged listing nodes":
    "UPDATE node_cache SET bytes = CAST(substr(bytes, 1, 99) || x'00' || substr(bytes, 101) AS BLOB)",
  "without its base": "DELETE FROM file_cache_base",
  "with damaged signed objects": "UPDATE object_cache SET bytes = x'0102'",
}

for (const [name, sql] of Object.entries(MISSES)) {
  test(`backup() ${name} rereads what it must, and keeps nothing that is gone`, async (t) => {
    const place = await backupPlace(t)
    const source = sourceOf(place)
    await save(place.repository, source)
    remove(source)
    const repository = await damage(place, place.repository, sql)
    const { at } = await save(repository, source)
    await assertSaved(place, at, source)
  })
}

const isDamage = (error: unknown): boolean => isEngineError(error, "state-damaged")

/** The next run rebuilds what the last one found damaged. */
async function assertRebuilt(place: BackupPlace, source: string): Promise<void> {
  const again = await place.open()
  assert.match(again.session.warnings.join(), /were damaged/)
  const { at } = await save(again, source)
  await assertSaved(place, at, source)
}

const REPORTED: Record<string, string> = {
  "a base of another level": "UPDATE file_cache_base SET level = level + 1",
  "a log entry with other bytes": "UPDATE log_entries SET sequence = sequence + 1",
  "a pending pack with another salt": "UPDATE pending_packs SET salt = zeroblob(32)",
  "a pending pack that is gone": "DELETE FROM pending_packs",
  "another count of pending packs": "UPDATE pending_count SET count = 0",
}

for (const [name, sql] of Object.entries(REPORTED)) {
  test(`backup() reports ${name}, and the next one rebuilds the caches`, async (t) => {
    const place = await backupPlace(t)
    const source = sourceOf(place)
    await save(place.repository, source)
    remove(source)
    const killed = place.store((inner) =>
      faultyStore(inner, ({ method, name: object }) =>
        method === "put" && object.startsWith("log/") ? "crash-before" : undefined,
      ),
    )
    const first = await place.open(place.home, killed)
    await assert.rejects(save(first, source), StoreCrash)
    first.close()
    write(join(source, "b/later"))
    const repository = await damage(place, place.repository, sql)
    await assert.rejects(save(repository, source), isDamage)
    repository.close()
    await assertRebuilt(place, source)
  })
}

for (const [name, sql] of Object.entries({
  "a frame at another place": "UPDATE frames SET offset = offset + 1",
  "a frame that is gone": "DELETE FROM frames",
  "a pack of another name": "UPDATE packs SET name = zeroblob(32)",
  "keys of other chunks": "UPDATE key_parts SET entries = zeroblob(length(entries))",
  "keys that are gone": "DELETE FROM key_parts",
})) {
  test(`restore() reports ${name} in the index as damage of the index, not of the store`, async (t) => {
    const place = await backupPlace(t)
    const source = sourceOf(place)
    const { at } = await save(place.repository, source)
    const repository = await damage(place, place.repository, sql)
    await assert.rejects(restoreTo(repository, at, join(place.folder, "out")), isDamage)
    repository.close()
    await assertRebuilt(place, source)
  })
}
