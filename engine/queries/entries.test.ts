import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import type { RawPath } from "../base/ids.ts"
import {
  diffSnapshots,
  entries,
  fileHistory,
  findEntries,
  findSnapshot,
  stats,
  type Repository,
  type Snapshot,
} from "../index.ts"
import { backupPlace, save, type BackupPlace } from "../testing/backup-place.ts"

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of all) found.push(each)
  return found
}

async function newest(repository: Repository): Promise<Snapshot> {
  return (await findSnapshot(repository, "latest")).snapshot
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    fs.writeFileSync(path.join(folder, name), text)
  }
}

function sourceIn({ folder }: BackupPlace, files: Readonly<Record<string, string>>): string {
  const source = path.join(folder, "notes")
  write(source, files)
  return source
}

test("entries() lists a tree, a part of it, and one folder, and nothing for a missing path", async (t) => {
  const place = await backupPlace(t)
  const many = Object.fromEntries(Array.from({ length: 2_300 }, (_, i) => [`b/c/${i}`, ""]))
  const source = sourceIn(place, { a: "1", "b/d": "2", "b-e": "3", ...many })
  await save(place.repository, source)
  const snapshot = await newest(place.repository)
  const paths = async (request: Parameters<typeof entries>[2]): Promise<string[]> =>
    (await collect(entries(place.repository, snapshot, request))).map((entry) => entry.path)
  assert.equal((await paths({})).length, 2_300 + 6)
  assert.deepEqual(await paths({ recursive: false }), ["", "a", "b", "b-e"])
  assert.deepEqual(await paths({ within: "b" as RawPath, recursive: false }), ["b", "b/c", "b/d"])
  assert.deepEqual(await paths({ within: "b/d" as RawPath, recursive: false }), ["b/d"])
  assert.deepEqual(await paths({ within: "b-e" as RawPath }), ["b-e"])
  assert.equal((await paths({ within: "b/c" as RawPath })).length, 2_301)
  assert.deepEqual(await paths({ within: "nothing" as RawPath }), [])
})

test("entries() of the newest snapshot makes no request on the device that made it", async (t) => {
  const place = await backupPlace(t)
  await save(place.repository, sourceIn(place, { a: "1", "b/c": "2" }))
  const snapshot = await newest(place.repository)
  const before = place.repository.requests()
  await collect(entries(place.repository, snapshot))
  assert.deepEqual(place.repository.requests(), before)
})

test("findEntries() finds names anywhere and paths in their place, newest snapshot first", async (t) => {
  const place = await backupPlace(t)
  const source = sourceIn(place, {
    "plan.md": "1",
    "2025/plan.md": "2",
    "2025/other.txt": "3",
    "plans/x": "4",
  })
  await save(place.repository, source)
  fs.rmSync(path.join(source, "plan.md"))
  await save(place.repository, source)
  const find = async (...patterns: string[]): Promise<string[]> =>
    (await collect(findEntries(place.repository, { patterns }))).map(({ entry }) => entry.path)
  assert.deepEqual(await find("*.md"), ["2025/plan.md", "2025/plan.md", "plan.md"])
  assert.deepEqual(await find("/plan.md"), ["plan.md"])
  assert.deepEqual(await find("2025/*.txt"), ["2025/other.txt", "2025/other.txt"])
  // A folder is found without its content.
  assert.deepEqual(await find("plans"), ["plans", "plans"])
  assert.deepEqual(await find("plans/"), ["plans", "plans"])
  assert.deepEqual(await find("*.md", "other*"), [
    "2025/other.txt",
    "2025/plan.md",
    "2025/other.txt",
    "2025/plan.md",
    "plan.md",
  ])
  assert.deepEqual(await find("nowhere"), [])
  await assert.rejects(find(""), { code: "no-pattern" })
})

test("fileHistory() folds equal versions, and reports when the file was gone", async (t) => {
  const place = await backupPlace(t)
  const source = sourceIn(place, { other: "0" })
  const at: string[] = []
  const next = async (change: () => void): Promise<void> => {
    change()
    at.push((await save(place.repository, source)).at)
  }
  await next(() => {})
  await next(() => write(source, { "a.md": "first\n" }))
  await next(() => write(source, { other: "1" }))
  await next(() => write(source, { other: "22" }))
  await next(() => fs.rmSync(path.join(source, "a.md")))
  await next(() => write(source, { other: "333" }))
  await next(() => write(source, { "a.md": "again\n" }))
  const found = await collect(fileHistory(place.repository, "a.md" as RawPath))
  const shown = found.map(({ snapshot, entry, folded }) => [at.indexOf(snapshot.id), entry?.size, folded])
  assert.deepEqual(shown, [
    [6, 6, 0],
    [4, undefined, 1],
    [1, 6, 2],
  ])
  assert.deepEqual(await collect(fileHistory(place.repository, "never" as RawPath)), [])
})

test("diffSnapshots() reports the kind of each change, also in a part", async (t) => {
  const place = await backupPlace(t)
  const source = sourceIn(place, {
    "a/gone": "1",
    "a/text": "before",
    "a/mode": "same",
    "a/type": "file",
    b: "same",
  })
  fs.symlinkSync("here", path.join(source, "a/link"))
  await save(place.repository, source)
  const before = await newest(place.repository)
  fs.rmSync(path.join(source, "a/gone"))
  fs.rmSync(path.join(source, "a/type"))
  fs.mkdirSync(path.join(source, "a/type"))
  write(source, { "a/new": "2", "a/text": "after.", b: "other" })
  fs.chmodSync(path.join(source, "a/mode"), 0o600)
  fs.rmSync(path.join(source, "a/link"))
  fs.symlinkSync("there", path.join(source, "a/link"))
  await save(place.repository, source)
  const after = await newest(place.repository)
  const diff = async (a: Snapshot, b: Snapshot, within = ""): Promise<Record<string, string>> => {
    const found = await collect(diffSnapshots(place.repository, a, b, within as RawPath))
    return Object.fromEntries(found.map(({ path: each, change }) => [each, change]))
  }
  const inA = {
    a: "metadata",
    "a/gone": "removed",
    "a/link": "modified",
    "a/mode": "metadata",
    "a/new": "added",
    "a/text": "modified",
    "a/type": "type",
  }
  assert.deepEqual(await diff(before, after), { ...inA, b: "modified" })
  assert.deepEqual(await diff(before, after, "a"), inA)
  assert.deepEqual(await diff(before, after, "b"), { b: "modified" })
  assert.deepEqual(await diff(before, before), {})
})

test("stats() counts the store's objects by kind, and the snapshots' content", async (t) => {
  const place = await backupPlace(t)
  const source = sourceIn(place, { a: "x".repeat(1000) })
  await save(place.repository, source)
  write(source, { b: "y".repeat(500) })
  await save(place.repository, source)
  const found = await stats(place.repository)
  assert.deepEqual([found.snapshots, found.rawBytes, found.objects], [2, 2500, place.objects.size])
  assert.equal(
    found.storedBytes,
    [...place.objects.values()].reduce((sum, { length }) => sum + length, 0),
  )
  assert.deepEqual([found.byKind.packs.objects, found.byKind.other.objects], [2, 0])
})
