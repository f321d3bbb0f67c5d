import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree } from "../../fixtures/trees.ts"
import type { RawPath } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { backup, restore, snapshots, type BackupEvent, type Requests } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { newData } from "../testing/what-was-stored.ts"

const PAST = 1_700_000_000_123_456_789n

function file(path: string, content: string | Buffer): void {
  fs.mkdirSync(join(path, ".."), { recursive: true })
  fs.writeFileSync(path, content)
  setMtime(path, PAST)
}

function noise(bytes: number, seed = "noise"): Buffer {
  return seededRandom(seed).bytes(bytes)
}

/** Some folders with some files, without times in the future. */
function smallSource({ folder }: BackupPlace): string {
  const source = join(folder, "source")
  writeRandomTree(source, seededRandom("small source"), { entries: 40, fileBytesMax: 30_000, past: true })
  return source
}

const requestCount = ({ put, get, head, list, delete: removed }: Requests): number =>
  put + get + head + list + removed

test("backup() of an unchanged source writes nothing and makes no request", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const first = await save(place.repository, source)
  assert.match(first.snapshotId ?? "", /^[0-9a-f]{64}$/)
  const objects = place.objects.size
  for (const repository of [place.repository, await place.open()]) {
    const again = await save(repository, source)
    assert.equal(again.snapshotId, null)
    assert.equal(again.parentId, first.snapshotId)
    assert.equal(requestCount(again.requests), 0)
    const { files, dirs, bytes } = first.summary
    assert.deepEqual(
      [
        again.summary.filesUnmodified,
        again.summary.dirsUnmodified,
        again.summary.bytes,
        again.summary.dataAdded,
      ],
      [files, dirs, bytes, 0],
    )
  }
  assert.equal(place.objects.size, objects)
})

test("backup() of an unchanged source looks at the log once a day, and writes a snapshot on request", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const first = await save(place.repository, source)
  place.clock.aheadNs += 25n * 3_600_000_000_000n
  const later = await save(place.repository, source)
  assert.deepEqual([later.snapshotId, later.requests.list, later.requests.put], [null, 1, 0])
  const forced = await save(place.repository, source, { forceSnapshot: true })
  assert.notEqual(forced.snapshotId, first.snapshotId)
  assert.equal(forced.summary.filesUnmodified, first.summary.files)
  assert.equal(await newData(place.repository, () => save(place.repository, source, { force: true })), 0)
})

test("backup() of a small change makes two PUTs and two LISTs", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  await save(place.repository, source)
  file(join(source, "new"), "one small file")
  const { requests, summary } = await save(place.repository, source)
  assert.deepEqual([requests.put, requests.list, requests.get], [2, 2, 0])
  assert.deepEqual(
    [summary.filesNew, summary.filesChanged, summary.dirsChanged, summary.dirsNew],
    [1, 0, 1, 0],
  )
})

test("backup() stores no content for a file that was touched, renamed, linked or copied", async (t) => {
  const place = await backupPlace(t)
  const { repository, folder } = place
  const source = join(folder, "source")
  file(join(source, "a/file"), noise(200_000))
  assert.ok((await newData(repository, () => save(repository, source))) >= 200_000)
  const steps: Record<string, () => void> = {
    touched: () => setMtime(join(source, "a/file"), PAST + 1n),
    chmod: () => fs.chmodSync(join(source, "a/file"), 0o600),
    renamed: () => fs.renameSync(join(source, "a/file"), join(source, "a/other")),
    "folder renamed": () => fs.renameSync(join(source, "a"), join(source, "b")),
    linked: () => fs.linkSync(join(source, "b/other"), join(source, "b/link")),
    copied: () => fs.copyFileSync(join(source, "b/other"), join(source, "copy")),
    "written again": () => fs.writeFileSync(join(source, "copy"), noise(200_000)),
  }
  for (const [name, step] of Object.entries(steps)) {
    step()
    const stored = await newData(repository, async () => {
      const { snapshotId } = await save(repository, source)
      assert.notEqual(snapshotId, null, name)
    })
    assert.equal(stored, 0, name)
  }
  const { at } = await save(repository, source)
  await restoreTo(repository, at, join(folder, "target"))
  assertPicture(join(folder, "target"), pictureOf(source))
})

test("backup() stores content shared by two folders, two series and two devices once", async (t) => {
  const place = await backupPlace(t)
  const { repository, folder } = place
  for (const name of ["one", "two", "three"]) file(join(folder, name, "file"), noise(100_000))
  await save(repository, join(folder, "one"))
  assert.equal(await newData(repository, () => save(repository, join(folder, "two"))), 0)
  const other = await place.open(place.newHome())
  assert.equal(
    await newData(other, () => save(other, join(folder, "three"))),
    100_000,
    "another device learns by looking",
  )
  assert.equal(await newData(other, () => save(other, join(folder, "two"), { series: "again" })), 0)
})

test("backup() continues from the snapshot of another device in the series", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const first = await save(place.repository, source)
  const other = await place.open(place.newHome())
  const unchanged = await save(other, source)
  assert.deepEqual([unchanged.snapshotId, unchanged.parentId], [null, first.snapshotId])
  file(join(source, "new"), "from the other device")
  const second = await save(other, source)
  assert.equal(second.parentId, first.snapshotId)
  assert.equal(second.summary.filesNew, 1)
  const third = await save(place.repository, source)
  assert.deepEqual([third.snapshotId, third.parentId], [null, second.snapshotId])
})

test("backup() rebuilds what it needs if index, caches and journal are missing", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const first = await save(place.repository, source)
  place.repository.close()
  fs.rmSync(place.repository.home.statePath)
  const again = await place.open()
  const stored = await newData(again, async () => {
    const { snapshotId, parentId } = await save(again, source)
    assert.deepEqual([snapshotId, parentId], [null, first.snapshotId])
  })
  assert.ok(stored > 0, "the index was learnt from the store")
  assert.equal((await save(again, source)).requests.list, 0)
})

test("backup() with dryRun reports what it would store, and stores nothing", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const before = place.objects.size
  const dry = await save(place.repository, source, { dryRun: true })
  assert.equal(dry.snapshotId, null)
  assert.equal(place.objects.size, before)
  const real = await save(place.repository, source)
  assert.deepEqual(dry.summary, real.summary)
})

test("backup() excludes its own repository, its home and a restore's unfinished files, and reports it", async (t) => {
  const place = await backupPlace(t, { local: true })
  const source = place.folder // contains the repository and the home
  file(join(source, "notes/kept"), "kept")
  file(join(source, "notes/.holdfast-restore-00112233445566778899"), "half a file")
  const notices: string[] = []
  const observe = (event: BackupEvent): void => {
    if (event.type === "notice") notices.push(event.message)
  }
  const { at, summary } = await save(place.repository, source, {}, observe)
  assert.equal(summary.files, 1)
  assert.equal(notices.length, 3, notices.join("\n"))
  const target = `${place.folder}-target`
  t.after(() => fs.rmSync(target, { recursive: true, force: true }))
  await restoreTo(place.repository, at, target)
  assert.deepEqual(fs.readdirSync(target), ["notes"])
  assert.deepEqual(fs.readdirSync(join(target, "notes")), ["kept"])
})

test("backup() refuses a second run of the series on this device, and allows other series", async (t) => {
  const place = await backupPlace(t)
  const source = smallSource(place)
  const other = await place.open()
  const blocked = save(place.repository, source)
  await assert.rejects(save(other, source), (error) => isEngineError(error, "busy"))
  await save(other, source, { series: "other" })
  await blocked
  assert.equal((await snapshots(other)).length, 2)
})

test("backup() keeps what could be read and lists the rest", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  for (const name of ["a", "b", "closed/inside", "z"]) file(join(source, name), name)
  fs.chmodSync(join(source, "b"), 0)
  fs.chmodSync(join(source, "closed"), 0)
  const open = async (): Promise<void> => {
    const { errors, at, summary } = await save(place.repository, source)
    assert.deepEqual(
      errors.map(({ path, message }) => [path, message]),
      [
        ["closed", "permission denied"],
        ["b", "permission denied"],
      ],
    )
    const [snapshot] = await snapshots(place.repository)
    assert.equal(snapshot?.skippedCount, 2)
    assert.deepEqual([summary.files, summary.filesNew + summary.filesUnmodified, summary.bytes], [2, 2, 2])
    const { errors: restored } = await restoreTo(place.repository, at, join(place.folder, "target"))
    assert.deepEqual(restored, [])
  }
  await asNobody(place, open)
  assert.deepEqual(fs.readdirSync(join(place.folder, "target")), ["a", "closed", "z"])
  fs.chmodSync(join(source, "b"), 0o644)
  fs.chmodSync(join(source, "closed"), 0o755)
  const { errors, at } = await save(place.repository, source)
  assert.deepEqual(errors, [])
  await restoreTo(place.repository, at, join(place.folder, "target"))
  assertPicture(join(place.folder, "target"), pictureOf(source))
})

/** Root can read everything, so the test continues as an ordinary user. */
async function asNobody({ folder }: BackupPlace, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return await work()
  const give = (path: string): void => {
    fs.lchownSync(path, 65534, 65534)
    if (fs.lstatSync(path).isDirectory()) for (const name of fs.readdirSync(path)) give(join(path, name))
  }
  give(folder)
  process.seteuid?.(65534)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}

test("backup() saves a stream as a snapshot of one file", async (t) => {
  const place = await backupPlace(t)
  const content = noise(9_000_000)
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < content.length; at += 70_001) yield content.subarray(at, at + 70_001)
  }
  const stdin = { name: "dump.sql" as RawPath, stream: stream() }
  const result = await backup(place.repository, { paths: [], stdin, cwd: "/", host: "h", user: "u" })
  const [snapshot] = await snapshots(place.repository)
  assert.ok(snapshot !== undefined)
  assert.deepEqual(
    [snapshot.series, snapshot.single, result.summary.bytes],
    ["dump.sql", true, content.length],
  )
  const target = join(place.folder, "target")
  await restore(place.repository, { snapshot, target })
  assert.ok(fs.readFileSync(join(target, "dump.sql")).equals(content))
})

test("backup() reports how much of a stream it has read", async (t) => {
  const { repository } = await backupPlace(t)
  const told: number[] = []
  let isTold = (): void => {}
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let i = 1; i <= 3; i++) {
      yield noise(1000)
      await new Promise<void>((resolve) => (isTold = resolve)) // what has arrived so far
      assert.equal(told.at(-1), 1000 * i)
    }
  }
  const stdin = { name: "slow" as RawPath, stream: stream() }
  await backup(repository, { paths: [], stdin, cwd: "/", host: "h", user: "u" }, (event) => {
    if (event.type !== "progress") return
    const isMore = event.bytesDone > (told.at(-1) ?? 0)
    told.push(event.bytesDone)
    if (isMore) isTold()
  })
  assert.deepEqual([...new Set(told)], [1000, 2000, 3000])
})

test("backup() accepts several paths, renamed ones and a single file", async (t) => {
  const place = await backupPlace(t)
  const { repository, folder } = place
  file(join(folder, "x/one/a"), "a")
  file(join(folder, "x/two/b"), "b")
  file(join(folder, "elsewhere/c"), "c")
  const paths = ["x/one", "x/two", "x/gone", "extra=elsewhere"] as RawPath[]
  const many = await backup(repository, { paths, cwd: folder, host: "h", user: "u", series: "many" })
  assert.deepEqual(
    many.errors.map(({ path }) => path),
    [join(folder, "x/gone")],
  )
  const single = await save(repository, join(folder, "elsewhere/c"))
  const target = join(folder, "target")
  await restoreTo(repository, many.snapshotId ?? "", target)
  assert.deepEqual(fs.readdirSync(target, { recursive: true, encoding: "utf8" }).toSorted(), [
    "extra",
    "extra/c",
    "one",
    "one/a",
    "two",
    "two/b",
  ])
  await restoreTo(repository, single.at, join(folder, "one file"))
  assert.deepEqual(fs.readdirSync(join(folder, "one file")), ["c"])
})

test("backup() replaces a time that doesn't fit in 64 bits by the last one that does", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  file(join(source, "far"), "from the year 2400")
  setMtime(join(source, "far"), 13_600_000_000_000_000_000n)
  const { mtimeNs } = fs.statSync(join(source, "far"), { bigint: true })
  assert.ok(mtimeNs >= 2n ** 63n, "the temporary folder's file system can't hold the year 2400: set TMPDIR")
  const { at } = await save(place.repository, source)
  await restoreTo(place.repository, at, join(place.folder, "target"))
  assert.equal(fs.statSync(join(place.folder, "target/far"), { bigint: true }).mtimeNs, 2n ** 63n - 1n)
  assert.equal(fs.readFileSync(join(place.folder, "target/far"), "utf8"), "from the year 2400")
})
