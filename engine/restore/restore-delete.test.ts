import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import type { RawPath } from "../base/ids.ts"
import { findSnapshot, restore } from "../index.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { assertPicture, backupPlace, names, restoreTo, save } from "../testing/backup-place.ts"

function file(path: string, content = path): void {
  fs.mkdirSync(join(path, ".."), { recursive: true })
  fs.writeFileSync(path, content)
}

test("restore() keeps extra entries unless delete is given", async (t) => {
  const { repository, folder } = await backupPlace(t)
  const source = join(folder, "source")
  const target = join(folder, "target")
  for (const name of ["a/one", "b/two"]) file(join(source, name))
  const { at } = await save(repository, source)
  for (const name of ["extra", "a/extra", "extra folder/x/y", "b/two/in the way"]) file(join(target, name))
  const kept = await restoreTo(repository, at, target)
  assert.deepEqual(
    kept.errors.map(({ path }) => path),
    ["b/two"],
    "a folder with content is never removed without being asked",
  )
  assert.deepEqual(names(target), [
    "a",
    "a/extra",
    "a/one",
    "b",
    "b/two",
    "b/two/in the way",
    "extra",
    "extra folder",
    "extra folder/x",
    "extra folder/x/y",
  ])
  const cleaned = await restoreTo(repository, at, target, { delete: true })
  assert.deepEqual(cleaned.errors, [])
  assert.deepEqual(
    [cleaned.filesDeleted, cleaned.dirsDeleted],
    [4, 3],
    "all that is gone, not only the outermost",
  )
  assertPicture(target, pictureOf(source))
})

test("restore() of a part deletes only in that part", async (t) => {
  const { repository, folder } = await backupPlace(t)
  const source = join(folder, "source")
  const target = join(folder, "target")
  for (const name of ["a/one.txt", "a/two.md", "b/three.txt", "top.txt"]) file(join(source, name))
  const { at } = await save(repository, source)
  const left = async (request: Parameters<typeof restoreTo>[3]): Promise<string[]> => {
    fs.rmSync(target, { recursive: true, force: true })
    for (const name of ["extra.txt", "extra.log", "a/extra.txt", "b/extra.log"]) file(join(target, name))
    assert.deepEqual((await restoreTo(repository, at, target, { ...request, delete: true })).errors, [])
    return names(target).filter((name) => name.includes("extra"))
  }
  const all = ["a/extra.txt", "b/extra.log", "extra.log", "extra.txt"]
  assert.deepEqual(await left({ within: "top.txt" as RawPath }), all, "a single file")
  assert.deepEqual(await left({ include: ["*.txt"] as RawPath[] }), all, "single files by pattern")
  assert.deepEqual(await left({ include: ["/a"] as RawPath[] }), all.slice(1), "one folder by pattern")
  assert.deepEqual(await left({ exclude: ["*.log"] as RawPath[] }), ["b/extra.log", "extra.log"])
  assert.deepEqual(await left({ exclude: ["/a"] as RawPath[] }), ["a/extra.txt"])
  assert.deepEqual(await left({ within: "a" as RawPath, exclude: ["*.log"] as RawPath[] }), [
    "b/extra.log",
    "extra.log",
  ])
})

test("restore() in place with delete keeps the repository, the home and what the backup could not read", async (t) => {
  const place = await backupPlace(t, { local: true })
  const { folder, repository } = place
  file(join(folder, "notes/kept"))
  file(join(folder, "notes/gone"))
  const id = (await save(repository, folder)).at
  const { snapshot: found } = await findSnapshot(repository, id)
  const snapshot = {
    ...found,
    skipped: [{ path: "notes/unread" as RawPath, reason: "permission denied" }],
    skippedCount: 1,
  }
  for (const name of ["notes/extra", "notes/unread/deep", "other/extra"]) file(join(folder, name))
  fs.rmSync(join(folder, "notes/gone"))
  const done = await restore(repository, { snapshot, target: folder, delete: true })
  assert.deepEqual(done.errors, [])
  const top = fs.readdirSync(folder).toSorted()
  assert.deepEqual(top, ["home-0", "notes", "repository"])
  assert.deepEqual(names(join(folder, "notes")), ["gone", "kept", "unread", "unread/deep"])
  assert.deepEqual(done.stayed, { own: 2, unread: 1 })
  assert.deepEqual([done.filesDeleted, done.dirsDeleted], [2, 1])
  const again = await place.open()
  assert.equal((await save(again, folder)).errors.length, 0)
  await restoreTo(await place.open(place.newHome()), id, join(folder, "elsewhere"))

  file(join(folder, "notes/extra"))
  const unknown = await restore(repository, {
    snapshot: { ...snapshot, skippedCount: 2 },
    target: folder,
    delete: true,
  })
  assert.ok(fs.existsSync(join(folder, "notes/extra")), "not all that could not be read is known")
  assert.deepEqual(Object.keys(unknown.stayed).toSorted(), ["own", "unread"])
})

alsoAsOrdinaryUser(import.meta.url)

test("restore() with delete leaves what the backup did not include", async (t) => {
  const { repository, folder } = await backupPlace(t)
  const source = join(folder, "source")
  const target = join(folder, "target")
  for (const name of ["memory/one", "MEMORY.md", "other/two"]) file(join(source, name))
  const includes = ["/memory/**", "/MEMORY.md"] as RawPath[]
  const { at } = await save(repository, source, { selection: { includes } })
  for (const name of ["memory/extra", "other/mine", "notes"]) file(join(target, name))
  const { errors, filesDeleted } = await restoreTo(repository, at, target, { delete: true })
  assert.deepEqual([errors, filesDeleted], [[], 1])
  assert.deepEqual(names(target), ["MEMORY.md", "memory", "memory/one", "notes", "other", "other/mine"])
})
