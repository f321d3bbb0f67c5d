/** Existing folders and names of the target: which keep their metadata, and which are separated. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { isRoot, setMtime } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import type { RawPath } from "../base/ids.ts"
import { findSnapshot, restore, type RestoreRequest, type RestoreResult } from "../index.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import { lookUp } from "../listing/look-up.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { keepExtra } from "./delete-extra.ts"
import { finishEntries } from "./finish.ts"
import { createProgress } from "./progress.ts"
import { selectEntries } from "./selected.ts"
import { createTree, standingFolders } from "./tree.ts"

interface Saved extends BackupPlace {
  readonly source: string
  readonly target: string
  readonly id: string
  readonly run: (changes?: Partial<RestoreRequest>) => Promise<RestoreResult>
}

const PAST = 1_000_000_000_123_456_789n

/** x, sub/deep/y and sub/z; folders with modes and times of their own. */
async function saved(t: TestContext): Promise<Saved> {
  const place = await backupPlace(t)
  const [source, target] = [join(place.folder, "source"), join(place.folder, "target")]
  fs.mkdirSync(join(source, "sub/deep"), { recursive: true })
  for (const name of ["x", "sub/deep/y", "sub/z"]) fs.writeFileSync(join(source, name), name)
  for (const [name, mode] of [
    ["sub/deep", 0o711],
    ["sub", 0o750],
    ["", 0o700],
  ] as const) {
    fs.chmodSync(join(source, name), mode)
    setMtime(join(source, name), PAST)
  }
  const { at } = await save(place.repository, source)
  return {
    ...place,
    source,
    target,
    id: at,
    run: (changes) => restoreTo(place.repository, at, target, changes),
  }
}

/** Mode, owner, time: what a folder keeps. */
function stateOf(path: string): string {
  const { mode, uid, gid, mtimeNs } = fs.statSync(path, { bigint: true })
  return [(mode & 0o7777n).toString(8), uid, gid, mtimeNs].join(" ")
}

const include = (...patterns: string[]): Partial<RestoreRequest> => ({ include: patterns as RawPath[] })

test("restore() into a folder with other entries keeps the folder's mode, owner and times", async (t) => {
  const { source, target, run } = await saved(t)
  fs.mkdirSync(join(target, "sub"), { recursive: true })
  for (const name of ["", "sub"]) fs.writeFileSync(join(target, name, "other"), "not the snapshot's")
  fs.chmodSync(target, 0o1777)
  fs.chmodSync(join(target, "sub"), 0o500)
  if (isRoot) fs.chownSync(target, 1234, 4321)
  setMtime(target, 5n)
  setMtime(join(target, "sub"), 6n)
  const before = [stateOf(target), stateOf(join(target, "sub"))]
  const requests = [
    include("x"),
    {},
    { within: "x" as RawPath },
    { ...include("/sub/z") },
    { exclude: ["x"] as RawPath[] },
  ]
  for (const request of requests) {
    assert.deepEqual((await run(request)).errors, [])
    assert.deepEqual([stateOf(target), stateOf(join(target, "sub"))], before, JSON.stringify(request))
  }
  assert.equal(
    stateOf(join(target, "sub/deep")),
    stateOf(join(source, "sub/deep")),
    "a new folder takes the snapshot's",
  )
  assert.equal(fs.readFileSync(join(target, "sub/other"), "utf8"), "not the snapshot's")
  // once the extra entry is removed, only the snapshot's are in it
  assert.deepEqual((await run({ delete: true })).errors, [])
  assertPicture(target, pictureOf(source))
})

test("restore() into a folder that is new, empty or has only its own entries sets the snapshot's metadata", async (t) => {
  const { source, target, run } = await saved(t)
  fs.mkdirSync(join(target, "sub"), { recursive: true, mode: 0o755 })
  await run()
  assertPicture(target, pictureOf(source))
  fs.chmodSync(target, 0o755)
  fs.chmodSync(join(target, "sub"), 0o755)
  await run()
  assertPicture(target, pictureOf(source))
  fs.rmSync(target, { recursive: true })
  await run(include("/sub/deep/y"))
  for (const name of ["", "sub", "sub/deep"])
    assert.equal(stateOf(join(target, name)), stateOf(join(source, name)))
})

test("restore() of a single file creates missing parents with the recorded metadata, or else by the umask", async (t) => {
  const { source, folder, repository, id } = await saved(t)
  const before = ["", "sub", "sub/deep"].map((name) => stateOf(join(source, name)))
  const { snapshot } = await findSnapshot(repository, id)
  const within = "sub/deep/y" as RawPath
  fs.rmSync(source, { recursive: true })
  const umask = process.umask(0o027)
  try {
    // to where it was
    await restore(repository, { snapshot, within, target: join(source, "sub/deep") })
    assert.deepEqual(
      ["", "sub", "sub/deep"].map((name) => stateOf(join(source, name))),
      before,
    )
    // elsewhere
    const target = join(folder, "made/for/it")
    await restore(repository, { snapshot, within, target })
    assert.equal(stateOf(target), before[2])
    for (const name of ["made", "made/for"]) assert.equal(fs.statSync(join(folder, name)).mode & 0o777, 0o750)
    // of a snapshot that has no folder
    fs.writeFileSync(join(folder, "alone"), "alone")
    const alone = await save(repository, join(folder, "alone"))
    const { snapshot: single } = await findSnapshot(repository, alone.at)
    await restore(repository, { snapshot: single, target: join(folder, "single/place") })
    for (const name of ["single", "single/place"])
      assert.equal(fs.statSync(join(folder, name)).mode & 0o777, 0o750)
  } finally {
    process.umask(umask)
  }
})

test("restore() separates two files that are one in the target, and leaves an outside name unchanged", async (t) => {
  const { repository, folder } = await backupPlace(t)
  const [source, target] = [join(folder, "source"), join(folder, "target")]
  fs.mkdirSync(source)
  const content = Buffer.alloc(100_000, "same")
  for (const name of ["a", "b", "c", "d"]) fs.writeFileSync(join(source, name), content)
  fs.linkSync(join(source, "d"), join(source, "e"))
  for (const name of ["a", "b", "c", "d"]) setMtime(join(source, name), PAST)
  const { at } = await save(repository, source)
  await restoreTo(repository, at, target)
  for (const name of ["b", "d", "e"]) {
    fs.rmSync(join(target, name))
    fs.linkSync(join(target, "a"), join(target, name))
  }
  fs.linkSync(join(target, "c"), join(folder, "outside"))
  const { ino } = fs.statSync(join(target, "c"))
  const { errors, filesRestored } = await restoreTo(repository, at, target)
  assert.deepEqual(errors, [])
  assertPicture(target, pictureOf(source))
  assert.equal(fs.statSync(join(target, "c")).ino, ino, "what is right stays, whatever other names it has")
  assert.equal(filesRestored, 3)
  assert.equal((await restoreTo(repository, at, target)).filesRestored, 0)
})

test("restore() makes no hard link to an existing file in the target if the listing claims one and has no such file", async (t) => {
  const place = await saved(t)
  const { repository, source, target, id } = place
  fs.mkdirSync(target)
  fs.writeFileSync(join(target, "secret"), "another user's")
  const { snapshot } = await findSnapshot(repository, id)
  const request = { snapshot, target }
  const disk = openDiskTarget(target)
  const progress = createProgress(repository, request, () => {})
  const entry = await lookUp(
    snapshot.root,
    (ids) => createChunkReader(repository).read("listing", ids),
    "x" as RawPath,
  )
  assert.ok(entry !== undefined)
  const linkTo = "secret" as RawPath
  const later = [{ path: "x" as RawPath, entry: { ...entry, hardLink: linkTo }, linkTo }]
  const asFiles: string[] = []
  await finishEntries(
    {
      request,
      target: disk,
      progress,
      selected: selectEntries(request),
      tree: { ...createTree(false), later },
      extra: keepExtra,
      standing: standingFolders(disk),
      readLists: () => assert.fail("no list is needed"),
      unmade: [],
    },
    async ({ path }) => void asFiles.push(path),
  )
  disk.close()
  assert.deepEqual(
    [asFiles, fs.readdirSync(target)],
    [["x"], ["secret"]],
    "its own content is restored instead",
  )
  assert.equal(fs.readFileSync(join(source, "x"), "utf8"), "x")
})

test("backup() reports a time that doesn't fit in 64 bits of nanoseconds", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  fs.mkdirSync(source)
  for (const name of ["far", "near"]) fs.writeFileSync(join(source, name), name)
  const year2400 = 13_569_465_600n * 1_000_000_000n
  setMtime(join(source, "far"), year2400)
  setMtime(join(source, "near"), 2n ** 63n - 2n)
  assert.equal(fs.statSync(join(source, "far"), { bigint: true }).mtimeNs, year2400)
  const notices: string[] = []
  const { errors, at } = await save(place.repository, source, {}, (event) => {
    if (event.type === "notice") notices.push(event.message)
  })
  assert.deepEqual(errors, [])
  assert.equal(notices.length, 1)
  assert.match(notices[0] ?? "", /^far: the modification time is outside 1677 to 2262/)
  const target = join(place.folder, "target")
  const { leftOut } = await restoreTo(place.repository, at, target)
  assert.deepEqual(leftOut, {})
  assert.equal(fs.statSync(join(target, "far"), { bigint: true }).mtimeNs, 2n ** 63n - 1n)
})

alsoAsOrdinaryUser(import.meta.url)
