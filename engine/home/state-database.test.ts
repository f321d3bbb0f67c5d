import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { test } from "node:test"
import type { ChunkId, Digest, ObjectName, RawPath } from "../base/ids.ts"
import { openSqlite } from "../base/sqlite.ts"
import { exampleId, exampleName, examplePack } from "../testing/example-packs.ts"
import { openChunkIndex } from "../chunk-index/sqlite-index.ts"
import { temporaryRepositoryHome } from "../testing/temporary-home.ts"
import type { FileCacheBase } from "./file-cache.ts"
import { openFileCache } from "./file-cache.ts"
import { openJournal } from "./journal.ts"
import { openNodeCache } from "./node-cache.ts"
import { openObjectCache } from "./object-cache.ts"
import { openStateDatabase } from "./state-database.ts"

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values)
const name = (text: string): ObjectName => text as ObjectName
const raw = (text: string): RawPath => text as RawPath

function base(byte: number): FileCacheBase {
  return {
    root: new Uint8Array(32).fill(byte) as ChunkId,
    level: byte,
    snapshot: `${byte}${byte}`.repeat(32) as Digest,
  }
}

test("openStateDatabase() keeps what was written, and silently creates a missing file", (t) => {
  const home = temporaryRepositoryHome(t)
  const first = openStateDatabase(home)
  assert.equal(first.recreated, undefined)
  openObjectCache(first.database).put([[name("log/a"), bytes(1)]])
  first.close()
  first.close()
  const second = openStateDatabase(home)
  assert.equal(second.recreated, undefined)
  assert.deepEqual(openObjectCache(second.database).get(name("log/a")), bytes(1))
  second.close()
})

test("openStateDatabase() replaces damaged, foreign and other versions' files, and reports it once", (t) => {
  const home = temporaryRepositoryHome(t)
  const edit = (sql: string): void => {
    const database = openSqlite(home.statePath, { timeoutMs: 0 })
    database.exec(sql)
    database.close()
  }
  const cases: [string, () => void][] = [
    ["damaged", () => fs.writeFileSync(home.statePath, randomBytes(9000))],
    ["damaged", () => fs.writeFileSync(`${home.statePath}.damaged`, "")],
    ["foreign", () => edit("PRAGMA application_id = 7")],
    ["other-version", () => edit("PRAGMA user_version = 99")],
  ]
  for (const [expected, spoil] of cases) {
    const state = openStateDatabase(home)
    openObjectCache(state.database).put([[name("log/a"), bytes(1)]])
    state.close()
    spoil()
    const fresh = openStateDatabase(home)
    assert.equal(fresh.recreated, expected)
    assert.equal(openObjectCache(fresh.database).get(name("log/a")), undefined)
    fresh.close()
    const again = openStateDatabase(home)
    assert.equal(again.recreated, undefined)
    again.close()
  }
})

test("openStateDatabase() starts empty if the file, its log or both were deleted, also during use", (t) => {
  const home = temporaryRepositoryHome(t)
  for (const ends of [[""], ["", "-wal"], ["", "-wal", "-shm"], ["", "-shm"]]) {
    const old = openStateDatabase(home)
    const oldCache = openObjectCache(old.database)
    oldCache.put([[name("log/a"), bytes(1)]])
    for (const end of ends) fs.rmSync(home.statePath + end)
    const fresh = openStateDatabase(home)
    const cache = openObjectCache(fresh.database)
    assert.equal(cache.get(name("log/a")), undefined)
    oldCache.put([[name("log/b"), bytes(2)]])
    cache.put([[name("log/c"), bytes(3)]])
    assert.deepEqual(oldCache.names("log/"), ["log/a", "log/b"])
    assert.deepEqual(cache.names("log/"), ["log/c"])
    old.close()
    fresh.close()
    const again = openStateDatabase(home)
    assert.deepEqual(openObjectCache(again.database).names("log/"), ["log/c"])
    assert.equal(again.database.pragma("integrity_check", { simple: true }), "ok")
    again.close()
    fs.rmSync(home.statePath)
  }
})

test("atomically() writes a pack to both index and journal, or to neither", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const index = openChunkIndex(state.database)
  const journal = openJournal(state.database)
  const add = (label: string, fail: boolean): void => {
    const { record, frames } = examplePack(label, [[label, "shared"]])
    state.atomically(() => {
      index.addPack(record, frames)
      journal.add({ series: "notes", record, directory: bytes(1) })
      if (fail) throw new Error("stop")
    })
  }
  assert.equal(index.has(exampleId("one")), false)
  assert.throws(() => add("one", true), /stop/)
  assert.deepEqual([index.has(exampleId("one")), index.isEmpty(), journal.pending()], [false, true, []])
  add("two", false)
  add("three", false)
  for (const label of ["two", "three", "shared"]) assert.equal(index.has(exampleId(label)), true)
  assert.equal(index.has(exampleId("one")), false)
  assert.equal(journal.pending().length, 2)
})

test("names() of the object cache lists by prefix, put() keeps the first, remove() removes", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const cache = openObjectCache(state.database)
  cache.put([
    [name("log/b/2"), bytes(2)],
    [name("log/a/1"), bytes(1)],
    [name("log/b/1"), bytes(3)],
  ])
  cache.put([[name("log/b/2"), bytes(9)]])
  assert.deepEqual(cache.names("log/b/"), ["log/b/1", "log/b/2"])
  assert.deepEqual(cache.names(""), ["log/a/1", "log/b/1", "log/b/2"])
  assert.deepEqual(cache.get(name("log/b/2")), bytes(2))
  cache.remove([name("log/b/2"), name("log/none")])
  assert.equal(cache.get(name("log/b/2")), undefined)
})

test("keepOnly() of the node cache keeps this series' wanted nodes and all of other series", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const identify = ([letter]: Uint8Array): ChunkId => exampleId(String.fromCharCode(letter ?? 0))
  const notes = openNodeCache(state.database, "notes", identify)
  const other = openNodeCache(state.database, "other", identify)
  notes.put(["a", "b", "c"].map((label) => [exampleId(label), bytes(label.charCodeAt(0))] as const))
  other.put([[exampleId("a"), bytes(97)]])
  assert.equal(notes.keepOnly([exampleId("b"), exampleId("unknown")]), 2)
  assert.equal(notes.get(exampleId("a")), undefined)
  assert.deepEqual(notes.get(exampleId("b")), bytes(98))
  assert.deepEqual(other.get(exampleId("a")), bytes(97))
})

test("get() of the node cache misses a node that doesn't match its id, until it is put again", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const identify = ([letter]: Uint8Array): ChunkId => exampleId(String.fromCharCode(letter ?? 0))
  const cache = openNodeCache(state.database, "notes", identify)
  cache.put([[exampleId("a"), bytes(97)]])
  state.database.exec("UPDATE node_cache SET bytes = x'62'")
  assert.equal(cache.get(exampleId("a")), undefined)
  cache.put([[exampleId("a"), bytes(97)]])
  assert.deepEqual(cache.get(exampleId("a")), bytes(97))
})

test("replace() of the file cache changes, removes and keeps records together with the base", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const cache = openFileCache(state.database, "notes", "/home/u/notes")
  const other = openFileCache(state.database, "notes", "/srv")
  const read = (...paths: string[]): (number[] | undefined)[] =>
    paths
      .map((path) => cache.directory(raw(path)))
      .map((record) => (record === undefined ? undefined : [...record]))
  assert.equal(cache.base(), undefined)
  assert.deepEqual(read(""), [undefined])
  cache.replace(base(1), [
    [raw(""), bytes(1)],
    [raw("caf\xe9"), bytes(2)],
    [raw("x"), bytes(3)],
  ])
  other.replace(base(7), [[raw(""), bytes(7)]])
  assert.deepEqual(cache.base(), base(1))
  cache.replace(base(2), [
    [raw("x"), null],
    [raw(""), bytes(4)],
  ])
  assert.deepEqual(cache.base(), base(2))
  assert.deepEqual(read("", "caf\xe9", "x", "cafe"), [[4], [2], undefined, undefined])
  assert.throws(() => cache.replace(base(3), failing()), /stop/)
  assert.deepEqual(cache.base(), base(2))
  assert.deepEqual(read("", "caf\xe9"), [[4], [2]])
  cache.clear()
  assert.deepEqual([cache.base(), ...read("", "caf\xe9")], [undefined, undefined, undefined])
  assert.deepEqual(other.base(), base(7))
  assert.deepEqual(other.directory(raw("")), Buffer.from([7]))
})

function* failing(): Generator<[RawPath, Uint8Array]> {
  yield [raw(""), bytes(99)]
  throw new Error("stop")
}

test("pending() of the journal returns packs in the order added until they are settled", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const journal = openJournal(state.database)
  const packs = ["one", "two", "three"].map((label, i) => ({
    series: i === 1 ? "other" : "notes",
    record: examplePack(label, [["a"]]).record,
    directory: bytes(i),
  }))
  for (const pack of packs) journal.add(pack)
  for (const pack of packs) journal.add(pack)
  assert.deepEqual(journal.pending(), packs)
  assert.deepEqual(journal.pending("notes"), [packs[0], packs[2]])
  journal.settle([exampleName("one"), exampleName("unknown")])
  assert.deepEqual(journal.pending(), packs.slice(1))
})
