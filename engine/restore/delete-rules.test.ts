/** Entries that `--delete` keeps, because the backup never looked at them. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { test, type TestContext } from "node:test"
import type { RawPath } from "../base/ids.ts"
import {
  IGNORE_FILE,
  GIT_IGNORE_FILE,
  type BackupRequest,
  type RestoreRequest,
  type RestoreResult,
} from "../index.ts"
import { backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"

function put(path: string, content = "content"): void {
  fs.mkdirSync(dirname(path), { recursive: true })
  fs.writeFileSync(path, content)
}

function filesIn(root: string): string[] {
  const all = fs.readdirSync(root, { recursive: true, encoding: "utf8" })
  return all.filter((path) => !fs.lstatSync(join(root, path)).isDirectory()).toSorted()
}

interface Saved {
  readonly source: string
  readonly elsewhere: string
  /** With `delete`, dry first, whose figures and lines must be those of the real run. */
  readonly restored: (target: string, changes?: Partial<RestoreRequest>) => Promise<RestoreResult>
}

async function saved(
  t: TestContext,
  fill: (source: string) => void,
  changes: Partial<BackupRequest> = {},
): Promise<Saved> {
  const { folder, repository } = await backupPlace(t)
  const source = join(folder, "source")
  fs.mkdirSync(source)
  fill(source)
  const { at } = await save(repository, source, { selection: { ignoreFiles: [IGNORE_FILE] }, ...changes })
  const restored: Saved["restored"] = async (target, request = {}) => {
    const before = filesIn(target)
    const planned = await restoreTo(repository, at, target, { delete: true, dryRun: true, ...request })
    assert.deepEqual(filesIn(target), before)
    const done = await restoreTo(repository, at, target, { delete: true, ...request })
    const { filesDeleted, dirsDeleted, stayed, errors } = done
    assert.deepEqual(
      [planned.filesDeleted, planned.dirsDeleted, planned.stayed, planned.errors],
      [filesDeleted, dirsDeleted, stayed, errors],
    )
    assert.deepEqual(errors, [])
    return done
  }
  return { source, elsewhere: join(folder, "elsewhere"), restored }
}

const raw = (...paths: string[]): RawPath[] => paths as RawPath[]

/** What each filter leaves out, by its flags and files. */
const LEFT_OUT = [
  "a.o",
  "deep/b.o",
  "UPPER.TMP",
  "listed",
  "deep/large",
  "cache/data",
  "cache/deep/data",
  "marked/data",
  "ignored",
  "deep/ignored deeper",
  "deep/git",
  "node_modules/x/y",
]

function fillWithFilters(source: string): void {
  put(join(source, "kept"))
  put(join(source, "deep/kept"))
  put(join(source, ".holdfastignore"), "/ignored\nnode_modules\n")
  put(join(source, "deep/.holdfastignore"), "ignored deeper\n")
  put(join(source, "deep/.gitignore"), "git\n")
  put(join(source, "cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n")
  put(join(source, "marked/.nobackup"))
  put(join(source, "not marked/CACHEDIR.TAG"), "something else")
  for (const path of LEFT_OUT) put(join(source, path), path === "deep/large" ? "x".repeat(5000) : "small")
}

function selection(list: string): BackupRequest["selection"] {
  return {
    excludes: raw("*.o"),
    iexcludes: raw("*.tmp"),
    excludeFiles: [list],
    ignoreFiles: [IGNORE_FILE, GIT_IGNORE_FILE],
    excludeCaches: true,
    excludeIfPresent: raw(".nobackup"),
    excludeLargerThan: 4000,
  }
}

test("restore() with delete keeps what each filter of the backup excluded, in place and elsewhere", async (t) => {
  let list = ""
  const fill = (source: string): void => {
    fillWithFilters(source)
    list = join(source, "../patterns")
    fs.writeFileSync(list, "# a comment\nlisted\n")
  }
  const { folder, repository } = await backupPlace(t)
  const source = join(folder, "source")
  fill(source)
  const { at } = await save(repository, source, { selection: selection(list) })
  fs.rmSync(list) // its patterns count, wherever the file is now
  const extra = ["extra", "deep/extra", "new folder/extra", "not marked/extra", "new folder/deep/extra"]
  const keeps = ["new folder/c.o", "new folder/node_modules/z"]
  const elsewhere = join(folder, "elsewhere")
  for (const path of LEFT_OUT) put(join(elsewhere, path), path === "deep/large" ? "x".repeat(5000) : "small")
  for (const target of [source, elsewhere]) {
    for (const path of [...extra, ...keeps]) put(join(target, path))
    put(join(target, "new cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n")
    put(join(target, "new cache/data"))
    const dry = await restoreTo(repository, at, target, { delete: true, dryRun: true })
    const done = await restoreTo(repository, at, target, { delete: true })
    assert.deepEqual(done.errors, [])
    assert.deepEqual(
      [dry.filesDeleted, dry.dirsDeleted, dry.stayed],
      [done.filesDeleted, done.dirsDeleted, done.stayed],
    )
    const found = filesIn(target)
    assert.deepEqual(
      [...LEFT_OUT, ...keeps, "new cache/data", "new cache/CACHEDIR.TAG"].filter(
        (path) => !found.includes(path),
      ),
      [],
      "left out by filters",
    )
    assert.deepEqual(
      extra.filter((path) => found.includes(path)),
      [],
      "looked at, and not in the snapshot",
    )
    assert.deepEqual([done.filesDeleted, done.dirsDeleted], [extra.length, 1])
    assert.deepEqual(Object.keys(done.stayed), ["filter"])
    const again = await restoreTo(repository, at, target, { delete: true })
    assert.deepEqual([again.filesDeleted, again.dirsDeleted, filesIn(target)], [0, 0, found], "run again")
  }
})

test("restore() of a part with delete applies the ignore files above it", async (t) => {
  const { source, restored } = await saved(t, (root) => {
    put(join(root, ".holdfastignore"), "*.log\n")
    put(join(root, "a/b/kept"))
    put(join(root, "a/b/own.log"))
  })
  put(join(source, "a/b/extra"))
  put(join(source, "beside"))
  const done = await restored(join(source, "a/b"), { within: "a/b" as RawPath })
  assert.deepEqual(filesIn(source), [".holdfastignore", "a/b/kept", "a/b/own.log", "beside"])
  assert.deepEqual([done.filesDeleted, done.stayed], [1, { filter: 1 }])
})

test("restore() with delete applies the snapshot's ignore file instead of a newer one, and the disk's if the snapshot has none", async (t) => {
  const { source, restored } = await saved(t, (root) => {
    put(join(root, "a/.holdfastignore"), "*.log\n")
    put(join(root, "b/kept"))
  })
  put(join(source, "a/.holdfastignore"), "*.txt\n")
  for (const path of ["a/x.log", "a/x.txt", "b/x.log", "b/x.txt"]) put(join(source, path))
  put(join(source, "b/.holdfastignore"), "*.log\n")
  put(join(source, "c/.holdfastignore"), "*.log\n") // it leaves out nothing here
  for (let run = 0; run < 2; run++) {
    await restored(source)
    const left = ["a/.holdfastignore", "a/x.log", "b/.holdfastignore", "b/kept", "b/x.log"]
    assert.deepEqual(filesIn(source), left, `run ${run}`)
  }
})

test("restore() with delete keeps everything beside a marker of any type, in the snapshot or on the disk", async (t) => {
  const selected = { excludeIfPresent: raw(".git") }
  const fill = (source: string): void => {
    put(join(source, "folder/.git/HEAD"))
    put(join(source, "folder/work"))
    fs.mkdirSync(join(source, "link"))
    fs.symlinkSync("nowhere", join(source, "link/.git"))
    put(join(source, "link/work"))
    put(join(source, "kept"))
  }
  const { source, restored } = await saved(t, fill, { selection: selected })
  put(join(source, "later/.git/HEAD"))
  put(join(source, "later/deep/work"))
  put(join(source, "extra"))
  const left = filesIn(source).filter((path) => path !== "extra" && path !== "later/.git/HEAD")
  for (let run = 0; run < 2; run++) {
    await restored(source)
    assert.deepEqual(
      filesIn(source).filter((path) => path !== "later/.git/HEAD"),
      left,
      `run ${run}`,
    )
    assert.ok(fs.existsSync(join(source, "later/.git")))
  }
})

test("restore() with delete keeps everything beside the named paths", async (t) => {
  const { folder, repository } = await backupPlace(t)
  for (const path of ["a/x/kept", "a/neighbour", "b/file", "b/neighbour", "c/neighbour", "elsewhere/kept"])
    put(join(folder, "home", path))
  const home = join(folder, "home")
  const named = raw(join(home, "a/x"), join(home, "b/file"))
  const { at } = await save(repository, "", { paths: named, series: "several" })
  put(join(home, "a/x/extra"))
  const done = await restoreTo(repository, at, home, { delete: true })
  assert.equal(fs.existsSync(join(home, "a/x/extra")), false)
  for (const path of ["a/neighbour", "b/neighbour", "c/neighbour", "elsewhere/kept"])
    assert.ok(fs.existsSync(join(home, path)), path)
  assert.deepEqual([done.filesDeleted, done.stayed], [1, { filter: 4 }])

  const renamed = [...named, `other=${join(home, "elsewhere")}`] as RawPath[]
  const other = await save(repository, "", { paths: renamed, series: "renamed" })
  const target = join(folder, "target")
  for (const path of ["other/extra", "a/neighbour", "a/x/extra", "top"]) put(join(target, path))
  assert.deepEqual((await restoreTo(repository, other.at, target, { delete: true })).errors, [])
  assert.deepEqual(filesIn(target), ["a/neighbour", "a/x/kept", "b/file", "other/kept", "top"])
})

test("restore() with delete keeps sockets, and another device's home and repository that the backup excluded", async (t) => {
  const { folder, repository, home } = await backupPlace(t, { local: true })
  const other = await backupPlace(t)
  const source = join(folder, "..", `source of ${folder.split("/").at(-1)}`)
  t.after(() => fs.rmSync(source, { recursive: true, force: true }))
  put(join(source, "kept"))
  const server = createServer().listen(join(source, "socket"))
  t.after(() => server.close())
  await new Promise((resolve) => server.once("listening", resolve))
  // this home is inside the source now, and is left out; the restoring device has another one
  const inside = { ...repository, home: { ...repository.home, identityRoot: join(source, "state") } }
  put(join(source, "state/device.json"))
  const { at } = await save(inside, source)
  const restoring = { ...repository, home: { ...repository.home, identityRoot: other.home.identityRoot } }
  put(join(source, "extra"))
  const done = await restoreTo(restoring, at, source, { delete: true })
  assert.deepEqual([done.errors, done.filesDeleted, done.stayed], [[], 1, { filter: 1, own: 1 }])
  assert.ok(fs.existsSync(join(source, "state/device.json")) && fs.existsSync(join(source, "socket")))
  assert.ok(home.identityRoot.startsWith(folder))
})

test("restore() with delete removes nothing if there were too many filters to store", async (t) => {
  const excludes = raw(...Array.from({ length: 5000 }, (_, i) => `pattern-${i}`))
  const { source, restored } = await saved(t, (root) => put(join(root, "kept")), {
    selection: { excludes, ignoreFiles: [IGNORE_FILE] },
  })
  put(join(source, "pattern-1"))
  put(join(source, "extra/deep"))
  const done = await restored(source)
  assert.deepEqual([done.filesDeleted, done.stayed], [0, { unread: 2 }])
})

test("restore() with delete removes read-only folders, and restores the mode of one that isn't empty", async (t) => {
  const { source, restored } = await saved(t, (root) => put(join(root, ".holdfastignore"), "*.log\n"))
  for (const path of ["closed/extra", "closed/x.log", "gone/deep/extra"]) put(join(source, path))
  for (const folder of ["closed", "gone/deep", "gone"]) fs.chmodSync(join(source, folder), 0o555)
  const done = await restored(source)
  assert.deepEqual(filesIn(source), [".holdfastignore", "closed/x.log"])
  assert.equal(fs.statSync(join(source, "closed")).mode & 0o777, 0o555)
  fs.chmodSync(join(source, "closed"), 0o755)
  assert.deepEqual([done.filesDeleted, done.dirsDeleted], [2, 2])
})

alsoAsOrdinaryUser(import.meta.url)
