import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { code, META, NEW, OVER, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { writeAt } from "./new-file.ts"
import type { Staging, TargetOptions } from "./target.ts"
import { STAGING_NAME, temporaryName } from "../system/temporary-name.ts"

const folder = targetFolder()
const staged = (path: string): string => join(folder.root, STAGING_NAME, path)

function staging(options: TargetOptions): Staging {
  return folder.open(options).stage() ?? assert.fail("nothing stands there")
}

const WAYS: Readonly<Record<string, TargetOptions>> = {
  "by handle": {},
  "by handle, without native calls": { native: false },
  "by checked paths": { byHandle: false, native: false },
}

for (const [name, options] of Object.entries(WAYS)) {
  test(`a target ${name} publishes everything staged at once`, () => {
    const target = folder.open(options)
    const stage = staging(options)
    assert.deepEqual(stage, { name: STAGING_NAME, isNew: true })
    const inside = folder.open({ ...options, staging: stage })
    inside.ensureFolder(raw("a/b"), { replace: false })
    put(inside, "a/b/f", "deep")
    put(inside, "g", "flat")
    inside.placeSymlink(raw("l"), raw("nowhere"), META, OVER)
    inside.finishFolder(raw("a/b"), { ...META, mode: 0o500 })
    const half = inside.beginFile(raw("half"), 4, false)
    writeAt(half, 0, Buffer.from("ha"))
    inside.abandonFile(half)
    assert.deepEqual([folder.names(), target.list(raw(""))], [[STAGING_NAME], []])
    assert.equal(fs.statSync(staged("")).mode & 0o777, 0o700)
    assert.deepEqual(target.publish(stage), [])
    assert.deepEqual([folder.names(), folder.names("a/b")], [["a", "g", "l"], ["f"]])
    assert.deepEqual([folder.text("a/b/f"), folder.text("g")], ["deep", "flat"])
    folder.assertTime(target, "a/b/f", META.mtimeNs)
    target.finishFolder(raw("a"), { ...META, mode: 0o500 })
    assert.deepEqual([folder.stat("a").mode, folder.stat("a/b").mode], [0o500, 0o500])
    for (const path of ["a", "a/b"]) fs.chmodSync(join(folder.root, path), 0o700)
  })

  test(`a target ${name} refuses a second staged file of the same name, whatever may be replaced`, () => {
    const inside = folder.open({ ...options, staging: staging(options) })
    put(inside, "f", "first")
    assert.throws(() => put(inside, "f", "second", { placing: OVER }), code("exists"))
    assert.equal(fs.readFileSync(staged("f"), "utf8"), "first")
  })

  test(`a target ${name} continues what a killed restore staged, and removes invalid staging folders`, () => {
    const target = folder.open(options)
    folder.open({ ...options, staging: staging(options) }).beginFile(raw("half"), 9, false)
    fs.writeFileSync(join(folder.root, temporaryName()), "half")
    assert.deepEqual(target.stage(), { name: STAGING_NAME, isNew: false })
    assert.deepEqual(folder.names(), [STAGING_NAME])
    const again = folder.open({ ...options, staging: { name: STAGING_NAME, isNew: false } })
    assert.equal(again.look(raw("half"))?.size, 0)
    put(again, "half", "all of it", { placing: OVER })
    assert.equal(fs.readFileSync(staged("half"), "utf8"), "all of it")

    fs.chmodSync(staged(""), 0o777) // created by another user, writable for all
    assert.deepEqual(target.stage(), { name: STAGING_NAME, isNew: true })
    assert.deepEqual(fs.readdirSync(staged("")), [])
    target.unstage({ name: STAGING_NAME, isNew: true })
    fs.symlinkSync(folder.base, staged(""))
    assert.deepEqual(target.stage(), { name: STAGING_NAME, isNew: true })
    assert.equal(fs.lstatSync(staged("")).isDirectory(), true)
  })

  test(`a target ${name} stages nothing over an existing entry, and replaces nothing when it publishes`, () => {
    const target = folder.open(options)
    const stage = staging(options)
    const inside = folder.open({ ...options, staging: stage })
    inside.ensureFolder(raw("d"), { replace: false })
    for (const path of ["d/f", "taken", "free"]) put(inside, path, "ours")
    fs.writeFileSync(join(folder.root, "taken"), "theirs")
    fs.mkdirSync(join(folder.root, "d"))
    assert.equal(target.stage(), undefined)
    const failed = target.publish(stage)
    assert.deepEqual(
      failed.map(({ path, error }) => [path, error.code]),
      [
        ["d", "exists"],
        ["taken", "exists"],
      ],
    )
    assert.deepEqual([folder.text("taken"), folder.text("free")], ["theirs", "ours"])
    assert.deepEqual(fs.readdirSync(staged("")).sort(), ["d", "taken"])
    assert.equal(target.removeLeftovers(raw("")), 1)
    assert.deepEqual(folder.names(), ["d", "free", "taken"])
  })
}

test("no link that replaces the staging folder leads a thread out of the target", () => {
  const stage = staging({})
  const inside = folder.open({ staging: stage })
  fs.rmdirSync(staged(""))
  fs.symlinkSync(folder.base, staged(""))
  for (const byHandle of [true, false])
    assert.throws(() => folder.open({ staging: stage, byHandle }), code("in-the-way"))
  assert.throws(() => put(inside, "f", "x", { placing: NEW }), code("vanished"))
  assert.deepEqual(fs.readdirSync(folder.base), ["target"])
})

alsoAsOrdinaryUser(import.meta.url)
