import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { makeFifo } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { check, entries, findSnapshot, type Repository } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"

const FIRST_BYTES = 300_000

/** `0-first` is read first. Meanwhile a test changes the others. */
function makeSource({ folder }: BackupPlace, names: readonly string[]): string {
  const source = join(folder, "source")
  fs.mkdirSync(source)
  for (const name of ["0-first", ...names]) {
    fs.mkdirSync(join(source, name, ".."), { recursive: true })
    fs.writeFileSync(join(source, name), seededRandom(name).bytes(name === "0-first" ? FIRST_BYTES : 20_000))
  }
  return source
}

/**
 * Calls `during` with the number of each index look-up. There is one per chunk, while its file is
 * read.
 */
function whileReading(repository: Repository, during: (look: number) => void): Repository {
  let looks = 0
  const { index } = repository
  return {
    ...repository,
    index: {
      ...index,
      isEmpty: () => false, // an empty index is not searched
      has(id) {
        during(looks++)
        return index.has(id)
      },
    },
  }
}

function once(change: () => void): (look: number) => void {
  return (look) => {
    if (look === 3) change()
  }
}

async function assertKept(place: BackupPlace, source: string, id: string): Promise<void> {
  const target = join(place.folder, "target")
  const { errors } = await restoreTo(place.repository, id, target, { delete: true })
  assert.deepEqual(errors, [])
  assertPicture(target, pictureOf(source))
}

test("backup() rereads a file that grew, shrank or was rewritten after the walk", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, ["grows", "shrinks", "rewritten", "replaced"])
  const change = once(() => {
    fs.appendFileSync(join(source, "grows"), "a line more")
    fs.truncateSync(join(source, "shrinks"), 7)
    fs.writeFileSync(join(source, "rewritten"), seededRandom("other").bytes(20_000))
    fs.writeFileSync(join(source, "new"), seededRandom("new").bytes(5000), { mode: 0o640 })
    fs.renameSync(join(source, "new"), join(source, "replaced"))
  })
  const { errors, at } = await save(whileReading(place.repository, change), source)
  assert.deepEqual(errors, [])
  fs.utimesSync(source, 1, 1) // the folder's own stat was taken before the change
  await restoreTo(place.repository, at, join(place.folder, "target"))
  for (const name of ["grows", "shrinks", "rewritten", "replaced"]) {
    const found = pictureOf(join(place.folder, "target")).get(name)
    assert.equal(found, pictureOf(source).get(name), name)
  }
  const again = await save(place.repository, source)
  await assertKept(place, source, again.at)
})

test("backup() keeps and reports a file that changes during every read, and rereads it next time", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, [])
  const restless = whileReading(place.repository, (look) => {
    if (look > 3) fs.appendFileSync(join(source, "0-first"), "one more line\n")
  })
  const first = await save(restless, source)
  assert.deepEqual(
    first.errors.map(({ path }) => path),
    ["0-first"],
  )
  assert.match(first.errors[0]?.message ?? "", /changed during each of three reads/)
  const target = join(place.folder, "target")
  await restoreTo(place.repository, first.at, target)
  const size = fs.statSync(join(target, "0-first")).size
  assert.ok(size > FIRST_BYTES && size <= fs.statSync(join(source, "0-first")).size)
  place.clock.aheadNs = 0n // a file that was just read is recent, and not trusted
  const second = await save(place.repository, source)
  assert.notEqual(second.snapshotId, null)
  assert.deepEqual(second.errors, [])
  await assertKept(place, source, second.at)
})

test("backup() saves what an appended log had when it was opened, and the rest next time", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, [])
  fs.renameSync(join(source, "0-first"), join(source, "log.jsonl"))
  const growing = whileReading(place.repository, () =>
    fs.appendFileSync(join(source, "log.jsonl"), "a line\n"),
  )
  const capture = { sqlite: false, appended: [".jsonl"] }
  const first = await save(growing, source, { capture })
  assert.deepEqual(first.errors, [])
  assert.equal(first.summary.bytes, FIRST_BYTES)
  const { snapshot } = await findSnapshot(place.repository, first.at)
  const taken: string[] = []
  for await (const { path, capture: how } of entries(place.repository, snapshot)) taken.push(`${path} ${how}`)
  assert.deepEqual(taken, [" plain", "log.jsonl appended"])
  const second = await save(place.repository, source, { capture })
  assert.equal(second.summary.filesChanged, 1)
  await assertKept(place, source, second.at)
})

test("backup() skips and reports entries that vanish or change type, and keeps the rest", async (t) => {
  const place = await backupPlace(t)
  const names = ["vanishes", "folder", "link", "pipe", "stays", "sub/a", "sub/b"]
  const source = makeSource(place, names)
  const change = once(() => {
    for (const name of ["vanishes", "folder", "link", "pipe", "sub"])
      fs.rmSync(join(source, name), { recursive: true })
    fs.mkdirSync(join(source, "folder"))
    fs.writeFileSync(join(source, "folder/new"), "came too late")
    fs.symlinkSync("/etc/passwd", join(source, "link"))
    makeFifo(join(source, "pipe"))
  })
  const { errors, at } = await save(whileReading(place.repository, change), source)
  const reported = new Map(errors.map(({ path, message }) => [path as string, message]))
  assert.deepEqual([...reported.keys()].toSorted(), ["folder", "link", "pipe", "sub/a", "sub/b", "vanishes"])
  for (const name of ["vanishes", "sub/a", "sub/b"])
    assert.match(reported.get(name) ?? "", /was removed during the backup/)
  for (const name of ["folder", "link", "pipe"]) assert.match(reported.get(name) ?? "", /something else/)
  const target = join(place.folder, "target")
  assert.deepEqual((await restoreTo(place.repository, at, target)).errors, [])
  assert.deepEqual(fs.readdirSync(target, { recursive: true, encoding: "utf8" }).toSorted(), [
    "0-first",
    "stays",
    "sub",
  ])
  const next = await save(place.repository, source)
  assert.deepEqual(next.errors, [])
  await assertKept(place, source, next.at)
})

test("backup() keeps a file whose first link vanishes while its other link stays", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, ["a-link"])
  fs.linkSync(join(source, "a-link"), join(source, "b-link"))
  const change = once(() => fs.rmSync(join(source, "a-link")))
  const first = await save(whileReading(place.repository, change), source)
  assert.deepEqual(
    first.errors.map(({ path }) => path),
    ["a-link"],
  )
  const target = join(place.folder, "target")
  await restoreTo(place.repository, first.at, target)
  assert.ok(fs.readFileSync(join(target, "b-link")).equals(fs.readFileSync(join(source, "b-link"))))
  const second = await save(place.repository, source)
  await assertKept(place, source, second.at)
})

test("backup() stores a link's own content if its first link became another file", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, ["a-link", "other"])
  for (const name of ["b-link", "c-link"]) fs.linkSync(join(source, "a-link"), join(source, name))
  const content = fs.readFileSync(join(source, "b-link"))
  const change = once(() => fs.renameSync(join(source, "other"), join(source, "a-link")))
  const first = await save(whileReading(place.repository, change), source)
  assert.deepEqual(
    first.errors.map(({ path }) => path),
    ["other"],
  )
  const target = join(place.folder, "target")
  await restoreTo(place.repository, first.at, target)
  for (const name of ["b-link", "c-link"])
    assert.ok(fs.readFileSync(join(target, name)).equals(content), name)
  assert.ok(fs.readFileSync(join(target, "a-link")).equals(fs.readFileSync(join(source, "a-link"))))
  const second = await save(place.repository, source)
  await assertKept(place, source, second.at)
})

test("backup() saves links again after a run in which their first link could not be read", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, ["a/link", "b/other"])
  fs.linkSync(join(source, "a/link"), join(source, "b/link"))
  const content = fs.readFileSync(join(source, "a/link"))
  const change = once(() => {
    fs.renameSync(join(source, "a"), join(place.folder, "away"))
  })
  const first = await save(whileReading(place.repository, change), source)
  assert.deepEqual(
    first.errors.map(({ path }) => path),
    ["a/link"],
  )
  // back again, with all times restored
  fs.renameSync(join(place.folder, "away"), join(source, "a"))
  const second = await save(place.repository, source)
  assert.deepEqual(second.errors, [])
  assert.ok(fs.readFileSync(join(source, "b/link")).equals(content))
  await assertKept(place, source, second.at)
})

test("backup() fails if a look-up fails, and leaves no file that refers to an unstored chunk", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place, ["twin-a"])
  fs.cpSync(join(source, "twin-a"), join(source, "twin-b"))
  for (let at = 0; at < 5; at++) {
    const broken = Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" })
    const failing = whileReading(place.repository, (look) => {
      if (look === at) throw broken
    })
    await assert.rejects(save(failing, source), broken)
  }
  const { at } = await save(place.repository, source)
  await assertKept(place, source, at)
  const { errors } = await check(place.repository, { readData: true })
  assert.deepEqual(errors, [])
})
