/** If a link replaces a folder during a backup, the backup doesn't follow it. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { openDiskSource } from "../source/disk-source.ts"
import { temporaryName } from "../system/temporary-name.ts"
import type { RawPath } from "../base/ids.ts"
import { backupPlace, restoreTo, save, type BackupPlace, type Saved } from "../testing/backup-place.ts"

/** Above this size the work goes to threads. */
const LARGE_BYTES = 64 * 1024 * 1024

interface Exchange {
  readonly place: BackupPlace
  readonly source: string
  /** The folder below the source that becomes a link. */
  readonly name: string
  readonly threads: boolean
}

/**
 * Backs up, and replaces the folder by a link to one outside while the walk is in folder "a". There
 * the walk finds a name that it reports at once.
 */
async function saveWhileExchanged({ place, source, name, threads }: Exchange): Promise<Saved> {
  const outside = join(place.folder, "outside")
  fs.mkdirSync(join(outside, "deep"), { recursive: true })
  for (const file of ["file", "deep/file"]) fs.writeFileSync(join(outside, file), "a secret of somebody else")
  for (const folder of ["a", "b", "b/deep"]) fs.mkdirSync(join(source, folder), { recursive: true })
  for (const file of ["a/file", "b/file", "b/deep/file"]) fs.writeFileSync(join(source, file), "inside")
  fs.writeFileSync(join(source, "a", temporaryName()), "")
  if (threads) {
    fs.writeFileSync(join(source, "0-large"), "")
    fs.truncateSync(join(source, "0-large"), LARGE_BYTES)
  }
  let exchanged = false
  const saved = await save(place.repository, source, {}, (event) => {
    if (event.type !== "notice" || exchanged) return
    exchanged = true
    fs.renameSync(join(source, name), join(place.folder, "aside"))
    fs.symlinkSync(outside, join(source, name))
  })
  assert.ok(exchanged)
  return saved
}

for (const threads of [false, true]) {
  const where = threads ? "threads" : "this thread"
  for (const name of ["a", "b"]) {
    test(`backup() by ${where} follows no link that replaces folder ${name}`, async (t) => {
      const place = await backupPlace(t)
      const source = join(place.folder, "source")
      const { at, errors } = await saveWhileExchanged({ place, source, name, threads })
      const failed = name === "a" ? "a/file" : "b"
      assert.deepEqual(
        errors.map(({ path, message }) => `${path}: ${message}`),
        [`${failed}: it was replaced by something else during the backup`],
      )
      const target = join(place.folder, "target")
      await restoreTo(place.repository, at, target)
      assert.deepEqual(fs.readdirSync(join(target, name)), [])
      const other = name === "a" ? "b" : "a"
      assert.equal(fs.readFileSync(join(target, other, "file"), "utf8"), "inside")
    })
  }
}

test("backup() leaves no descriptor open", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  fs.mkdirSync(join(source, ...Array.from({ length: 200 }, () => "d")), { recursive: true })
  fs.writeFileSync(join(source, "d", "d", "file"), "content")
  const open = (): number => fs.readdirSync("/proc/self/fd").length
  await save(place.repository, source)
  const before = open()
  fs.writeFileSync(join(source, "d", "d", "file"), "other content")
  await save(place.repository, source)
  assert.equal(open(), before)
})

test("openDiskSource() keeps few folders open, however deep the tree", (t) => {
  const root = fs.mkdtempSync(join(process.env["TMPDIR"] ?? "/tmp", "holdfast-deep-"))
  t.after(() => fs.rmSync(root, { recursive: true, force: true }))
  const names = Array.from({ length: 1000 }, () => "d")
  fs.mkdirSync(join(root, ...names), { recursive: true })
  const source = openDiskSource(root)
  const open = (): number => fs.readdirSync("/proc/self/fd").length
  const before = open()
  for (let depth = 1; depth <= names.length; depth++) source.list(names.slice(0, depth).join("/") as RawPath)
  assert.ok(open() - before < 100, `${open() - before} handles`)
  for (let depth = names.length; depth > 0; depth--) {
    assert.deepEqual(source.list(names.slice(0, depth).join("/") as RawPath), depth < 1000 ? ["d"] : [])
  }
  source.close()
  assert.equal(open(), before)
})
