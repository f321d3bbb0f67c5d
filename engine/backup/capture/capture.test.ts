import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import type { RawPath } from "../../base/ids.ts"
import { openSqlite } from "../../base/sqlite.ts"
import { openDiskSource } from "../../source/disk-source.ts"
import { walk } from "../../source/walk.ts"
import { capture } from "./capture.ts"
import { diffWithDisk, findSnapshot } from "../../index.ts"
import { names, restoreTo, save } from "../../testing/backup-place.ts"
import { keep, made, restored, SQLITE } from "../../testing/capture-place.ts"
import {
  addRows,
  killWriter,
  makeDatabase,
  openMadeDatabase,
  rowsOf,
  startWriter,
} from "../../testing/live-database.ts"

function capturesLeft(): string[] {
  return fs.readdirSync(tmpdir()).filter((name) => name.startsWith("holdfast-capture-"))
}

test("backup() saves one state of a database that is written 200 times a second, without what is beside it", async (t) => {
  const place = await made(t)
  makeDatabase(place.at("agent.sqlite"), { rows: 2000 })
  const writer = await startWriter(place.at("agent.sqlite"), 200)
  t.after(() => killWriter(writer))
  for (let round = 0; round < 3; round++) {
    const saved = await keep(place)
    assert.deepEqual(saved.captures, { "agent.sqlite": "sqlite" })
    assert.deepEqual([saved.notices, saved.errors], [[], []])
    assert.ok(rowsOf(join(await restored(place, saved), "agent.sqlite")) >= 2000)
  }
  assert.deepEqual(capturesLeft(), [])
})

test("backup() saves what a killed writer left in its log", async (t) => {
  const place = await made(t)
  makeDatabase(place.at("a.db"), { rows: 1000 })
  await killWriter(await startWriter(place.at("a.db"), 500))
  fs.rmSync(place.at("a.db-shm"), { force: true }) // as after a restart of the machine
  const before = names(place.source)
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "a.db": "sqlite" })
  assert.ok(rowsOf(join(await restored(place, saved), "a.db")) > 1000)
  assert.deepEqual(names(place.source), before, "nothing is made beside the database")
})

test("backup() rolls back the copy of a database whose writer was killed in a transaction", async (t) => {
  const place = await made(t)
  const file = place.at("a.db")
  const database = openMadeDatabase(file, { rows: 3000, journal: "delete" })
  database.pragma("cache_size = 10")
  database.exec("BEGIN; UPDATE t SET body = 'y'")
  // the files as a killed writer leaves them
  fs.mkdirSync(place.at("killed"))
  for (const end of ["", "-journal"]) fs.copyFileSync(file + end, place.at(`killed/b.db${end}`))
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "a.db": "sqlite", "killed/b.db": "sqlite" })
  const target = await restored(place, saved)
  assert.deepEqual([rowsOf(join(target, "a.db")), rowsOf(join(target, "killed/b.db"))], [3000, 3000])
  assert.ok(fs.existsSync(place.at("killed/b.db-journal")))
  database.exec("ROLLBACK")
  database.close()
})

test("backup() copies a database whose exclusive writer rests", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 50 })
  database.pragma("locking_mode = EXCLUSIVE")
  addRows(database, 5)
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "a.db": "sqlite" })
  assert.equal(rowsOf(join(await restored(place, saved), "a.db")), 55)
  database.close()
})

test("backup() reads damaged, encrypted and shortened databases as they are, and says so once", async (t) => {
  const place = await made(t)
  for (const name of ["damaged.db", "short.db", "sound.db"]) makeDatabase(place.at(name), { rows: 2000 })
  const damaged = fs.openSync(place.at("damaged.db"), "r+")
  fs.writeSync(damaged, randomBytes(4096 * 40), 0, 4096 * 40, 4096 * 100)
  fs.closeSync(damaged)
  fs.truncateSync(place.at("short.db"), 1_000_000)
  fs.writeFileSync(place.at("encrypted.sqlite"), randomBytes(40_960))
  fs.writeFileSync(place.at("other.db"), "no database")
  fs.writeFileSync(place.at("empty.db"), "")
  const saved = await keep(place)
  assert.deepEqual(saved.captures, {
    "damaged.db": "sqlite-raw",
    "empty.db": "plain",
    "encrypted.sqlite": "sqlite-raw",
    "other.db": "plain",
    "short.db": "sqlite-raw",
    "sound.db": "sqlite",
  })
  assert.match(saved.notices.join("\n"), /damaged\.db: it is damaged/)
  assert.match(saved.notices.join("\n"), /encrypted\.sqlite: it is encrypted or not a database/)
  const target = await restored(place, saved)
  for (const name of ["damaged.db", "short.db", "encrypted.sqlite"])
    assert.ok(fs.readFileSync(join(target, name)).equals(fs.readFileSync(place.at(name))), name)
  const paths = ["damaged.db", "encrypted.sqlite", "short.db"]
  assert.deepEqual(saved.rawDatabases.map(({ path }) => path).toSorted(), paths)
  const again = await keep(place)
  assert.deepEqual([again.snapshotId, again.notices], [null, []])
  assert.deepEqual(again.rawDatabases.map(({ path }) => path).toSorted(), paths)
})

test("backup() starts no process for unchanged databases, and copies one again after any change", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 2000 })
  addRows(database, 1)
  makeDatabase(place.at("b.db"), { rows: 2000 })
  await keep(place)
  const { execPath } = process
  process.execPath = "/nonexistent"
  try {
    const idle = await keep(place)
    assert.deepEqual([idle.snapshotId, idle.notices, idle.requests.put], [null, [], 0])
  } finally {
    process.execPath = execPath
  }
  addRows(database, 50) // in the log only
  process.execPath = "/nonexistent"
  try {
    const { notices } = await keep(place, { ...SQLITE, dryRun: true })
    assert.match(notices.join("\n"), /a\.db: the process that copies databases .*ENOENT/)
  } finally {
    process.execPath = execPath
  }
  const saved = await keep(place)
  assert.deepEqual([saved.summary.filesChanged, saved.summary.filesUnmodified], [1, 1])
  assert.ok(saved.summary.dataAdded < 500_000, `${saved.summary.dataAdded} new bytes`)
  assert.equal(rowsOf(join(await restored(place, saved), "a.db")), 2051)
  database.close()
})

test("backup() leaves the wanted tables of a copy empty, and their old content out of its pages", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("agent.sqlite"), { rows: 200 })
  const secret = (i: number): string => `canary-${i}-`.repeat(300)
  database.exec("CREATE TABLE auth_profiles (id INTEGER PRIMARY KEY, token TEXT)")
  const insert = database.prepare("INSERT INTO auth_profiles (token) VALUES (?)")
  for (let i = 0; i < 60; i++) insert.run(secret(i))
  database.exec("DELETE FROM auth_profiles WHERE id % 2 = 0") // leaves free pages with their content
  const capture = { sqlite: true, emptyTables: ["auth_profiles", "nothing"] }
  const saved = await keep(place, { capture })
  const copy = join(await restored(place, saved), "agent.sqlite")
  assert.equal(fs.readFileSync(copy).includes("canary-"), false)
  assert.equal(rowsOf(copy), 200)
  assert.equal(database.prepare("SELECT count(*) FROM auth_profiles").pluck().get(), 30)
  // other tables: nothing is known of the copies before
  assert.notEqual((await keep(place)).snapshotId, null)
  database.close()
})

test("backup() does not save a damaged database whose tables were to be left out", async (t) => {
  const place = await made(t)
  makeDatabase(place.at("a.db"), { rows: 2000 })
  fs.truncateSync(place.at("a.db"), 1_000_000)
  fs.writeFileSync(place.at("notes.md"), "notes")
  const saved = await keep(place, { capture: { sqlite: true, emptyTables: ["auth"] } })
  assert.deepEqual(saved.captures, { "notes.md": "plain" })
  assert.match(saved.errors[0]?.message ?? "", /It was not saved, since its tables could not be left out/)
})

test("backup() with capture keeps hard links, links to a database, and attributes of the original", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("b.db"), { rows: 20 })
  addRows(database, 3)
  fs.chmodSync(place.at("b.db"), 0o640)
  fs.linkSync(place.at("b.db"), place.at("a.db")) // its program uses the other path
  fs.symlinkSync("b.db", place.at("link.db"))
  const saved = await keep(place)
  assert.deepEqual(saved.captures, { "a.db": "sqlite", "b.db": "sqlite" })
  const target = await restored(place, saved)
  assert.equal(rowsOf(join(target, "a.db")), 23)
  assert.equal(fs.statSync(join(target, "a.db")).ino, fs.statSync(join(target, "b.db")).ino)
  assert.equal(fs.statSync(join(target, "a.db")).mode & 0o777, 0o640)
  assert.equal(fs.readlinkSync(join(target, "link.db")), "b.db")
  database.close()
})

test("backup() with capture works in a dry run, beside exclusions, and after a run without it", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 20 })
  makeDatabase(place.at("left-out.db"), { rows: 20 })
  const selection = { excludes: ["left-out.db"] as RawPath[] }
  const dry = await save(place.repository, place.source, { ...SQLITE, selection, dryRun: true })
  assert.deepEqual([dry.snapshotId, dry.summary.files], [null, 1])
  assert.deepEqual((await keep(place, { ...SQLITE, selection })).captures, { "a.db": "sqlite" })
  addRows(database, 2)
  assert.deepEqual(Object.keys((await keep(place, { selection })).captures), ["a.db", "a.db-shm", "a.db-wal"])
  const saved = await keep(place, { ...SQLITE, selection })
  assert.deepEqual(saved.captures, { "a.db": "sqlite" })
  assert.equal(rowsOf(join(await restored(place, saved), "a.db")), 22)
  // every file is read again, the databases too
  assert.equal((await keep(place, { ...SQLITE, selection, force: true })).snapshotId, null)
  database.close()
})

test("restore() removes an old log beside a captured database, and diffWithDisk() compares it by its times", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 20 })
  addRows(database, 2)
  const saved = await keep(place)
  const { snapshot } = await findSnapshot(place.repository, saved.at)
  const changes = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { path, change } of diffWithDisk(place.repository, snapshot))
      found.push(`${change} ${path}`)
    return found
  }
  assert.deepEqual(await changes(), [])
  addRows(database, 3)
  assert.deepEqual(await changes(), ["modified a.db"])

  const target = join(place.place.folder, "target")
  fs.mkdirSync(target)
  for (const end of ["", "-wal", "-shm"]) fs.copyFileSync(place.at(`a.db${end}`), join(target, `a.db${end}`))
  const dry = await restoreTo(place.repository, saved.at, target, { dryRun: true })
  assert.equal(dry.filesDeleted, 2)
  assert.equal(names(target).length, 3)
  const { filesDeleted, errors } = await restoreTo(place.repository, saved.at, target)
  assert.deepEqual([filesDeleted, errors], [2, []])
  assert.equal(rowsOf(join(target, "a.db")), 22)
  database.close()
})

test("backup() copies databases of folders that are saved under other names, through links too", async (t) => {
  const place = await made(t)
  fs.mkdirSync(place.at("real"))
  const database = openMadeDatabase(place.at("real/a.db"), { rows: 20 })
  addRows(database, 2)
  fs.symlinkSync("real", place.at("link"))
  fs.writeFileSync(place.at("notes.md"), "notes")
  const paths = [`state=${place.at("link")}`, `workspace=${place.at("notes.md")}`] as RawPath[]
  const saved = await keep(place, { ...SQLITE, paths, series: "agent" })
  assert.deepEqual(saved.captures, { "state/a.db": "sqlite", workspace: "plain" })
  assert.equal(rowsOf(join(await restored(place, saved), "state/a.db")), 22)
  const idle = await keep(place, { ...SQLITE, paths, series: "agent" })
  assert.equal(idle.snapshotId, null)
  database.close()
})

test("backup() copies a database whose path is not UTF-8", async (t) => {
  const place = await made(t)
  const name = Buffer.concat([Buffer.from(`${place.source}/`), Buffer.from([0xff]), Buffer.from(".db")])
  makeDatabase(place.at("a.db"), { rows: 20 })
  fs.renameSync(place.at("a.db"), name)
  assert.deepEqual((await keep(place)).captures, { "\xff.db": "sqlite" })
})

/** The process ids of this process's children. */
function children(): number[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, parent] = /\) \S (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, "utf8")) ?? []
        return Number(parent) === process.pid ? [Number(pid)] : []
      } catch {
        return [] // it ended
      }
    })
}

test("backup() reads the databases as they are if the process that copies them is killed", async (t) => {
  const place = await made(t)
  const database = openMadeDatabase(place.at("a.db"), { rows: 20, journal: "delete" })
  makeDatabase(place.at("b.db"), { rows: 20 })
  database.exec("BEGIN EXCLUSIVE") // the copy waits
  const before = children()
  const saving = keep(place)
  let copying: number | undefined
  while (copying === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    copying = children().find((pid) => !before.includes(pid))
  }
  process.kill(copying, "SIGKILL")
  const saved = await saving
  database.exec("ROLLBACK")
  assert.deepEqual(saved.captures, { "a.db": "sqlite-raw", "b.db": "sqlite-raw" })
  assert.match(saved.notices.join("\n"), /a\.db: the process that copies databases was killed by SIGKILL/)
  assert.deepEqual(capturesLeft(), [])
  // and a later run does it right
  assert.deepEqual((await keep(place, { ...SQLITE, force: true })).captures, {
    "a.db": "sqlite",
    "b.db": "sqlite",
  })
  database.close()
})

test("capture() drops a database that is deleted before the scan, and shows what replaced one", async (t) => {
  const place = await made(t)
  for (const name of ["gone.db", "kept.db", "replaced.db"]) makeDatabase(place.at(name), { rows: 5 })
  const files = openDiskSource(place.source)
  t.after(() => files.close())
  const captured = await capture({
    files,
    scope: undefined,
    emptyTables: [],
    known: undefined,
    cacheRoot: place.repository.home.cacheRoot,
    nowNs: 0n,
    notice: assert.fail,
    readRaw: assert.fail,
    unsaved: assert.fail,
  })
  t.after(() => captured.close())
  for (const name of ["gone.db", "replaced.db"]) fs.rmSync(place.at(name))
  fs.mkdirSync(place.at("replaced.db"))
  const found = [...walk(captured.files, undefined, { unreadable: assert.fail })]
  assert.deepEqual(found[0]?.folder.names, ["kept.db", "replaced.db"])
  assert.deepEqual(
    found[0]?.folder.stats.map(({ type }) => type),
    ["file", "directory"],
  )
})

test("capture removes what killed runs left, and nothing of running ones", async (t) => {
  const left = fs.mkdtempSync(join(tmpdir(), "holdfast-capture-"))
  const file = join(left, "lock")
  fs.writeFileSync(file, "")
  const holder = openSqlite(file, { timeoutMs: 0 })
  holder.exec("BEGIN EXCLUSIVE")
  t.after(() => fs.rmSync(left, { recursive: true, force: true }))
  const place = await made(t)
  makeDatabase(place.at("a.db"), { rows: 5 })
  await keep(place)
  assert.ok(fs.existsSync(left))
  holder.close()
  await keep(place, { ...SQLITE, force: true })
  assert.ok(!fs.existsSync(left))
})
