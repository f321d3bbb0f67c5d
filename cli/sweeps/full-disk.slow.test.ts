/**
 * Disks that are full, read-only or failing, for real: a tmpfs of a few MiB that is mounted, filled,
 * enlarged and mounted read-only. Needs the right to mount, and fails without it.
 */
import * as assert from "node:assert/strict"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { assertPicture } from "../../engine/testing/backup-place.ts"
import { disk, losingDisk } from "../testing/disk.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

/** Eight incompressible files of 1 MB. */
function eightFiles(box: Sandbox): string {
  const folder = box.path("source")
  const random = seededRandom("full disk")
  mkdirSync(folder)
  for (let i = 1; i <= 8; i++) writeFileSync(join(folder, `f${i}`), random.bytes(1_000_000))
  return folder
}

function assertFailed({ code, err, out }: ReturnType<Sandbox["run"]>, message: RegExp): void {
  assert.equal(code, 1, err + out)
  assert.match(err, message)
  assert.doesNotMatch(err, /\n\s+at |internal error/)
}

test("a repository on a full disk: 1 with an error; saved data stays good, and the next backup succeeds", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "6m")
  const source = eightFiles(box)
  const use = (...words: string[]): ReturnType<Sandbox["run"]> => box.run(...words, "-r", path("repository"))
  assert.equal(use("init").code, 0)
  assert.equal(use("backup", join(source, "f1"), "--series", "source").code, 0)
  assertFailed(
    use("backup", source, "--series", "source"),
    /repository: no space left on this disk\. Free some space, then run the command again/,
  )
  assert.equal(use("check", "--read-data").code, 0)
  assert.equal(use("restore", "latest", "--target", box.path("out")).code, 0)
  assert.ok(readFileSync(box.path("out", "f1")).equals(readFileSync(join(source, "f1"))))
  assert.equal(readdirSync(path("repository", "packs"), { recursive: true }).filter(isLeftover).length, 0)

  remount("size=20m")
  assert.equal(use("backup", source, "--series", "source").code, 0)
  assert.equal(use("check", "--read-data").code, 0)
  assert.equal(use("restore", "latest", "--target", box.path("out")).code, 0)
  assertPicture(box.path("out"), pictureOf(source))
})

const isLeftover = (name: string | Buffer): boolean => /(^|\/)\./.test(String(name))

test("init on a full disk: 1 with an error, and the same words make the repository later", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "16k")
  writeFileSync(path("filler"), Buffer.alloc(12 * 1024))
  const init = (): ReturnType<Sandbox["run"]> =>
    box.run("init", path("repository"), "--recovery-words-file", box.path("words"))
  assertFailed(init(), /no space left on this disk/)
  assert.ok(!existsSync(box.path("words")), "words that open nothing stay nowhere")
  remount("size=4m")
  assert.equal(init().code, 0)
})

test("a repository on a read-only disk: backup and init report it with 1, reading verbs work", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "20m")
  const source = eightFiles(box)
  const use = (...words: string[]): ReturnType<Sandbox["run"]> => box.run(...words, "-r", path("repository"))
  assert.equal(use("init").code, 0)
  assert.equal(use("backup", source, "--series", "source").code, 0)
  remount("ro")
  writeFileSync(join(source, "later"), "more")
  assertFailed(
    use("backup", source, "--series", "source"),
    /repository: cannot write to this folder\. .*how it is mounted \(the file system is read-only\)/,
  )
  assertFailed(
    box.run("init", path("other")),
    /cannot write to this folder.*\(the file system is read-only\)/,
  )
  for (const words of [["snapshots"], ["ls", "latest"], ["check", "--read-data"]])
    assert.equal(use(...words).code, 0, words.join(" "))
  assert.equal(use("restore", "latest", "--target", box.path("out")).code, 0)
  // an empty machine too: a secret is all that it takes to read
  const stranger = { HOLDFAST_HOME: box.path("stranger"), HOLDFAST_KEY_FILE: box.keyFile }
  const read = box.runWith(stranger, [
    "restore",
    "latest",
    "--target",
    box.path("out 2"),
    "-r",
    path("repository"),
  ])
  assert.equal(read.code, 0, read.err)
  remount("rw")
  assert.equal(use("backup", source, "--series", "source").code, 0)
})

test("restore to a full disk: 1, each file reported, no wrong bytes; it completes with more room", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "5m")
  const source = eightFiles(box)
  box.must("init")
  box.must("backup", source)
  for (const sync of ["end", "each"]) {
    const { code, err } = box.run("restore", "latest", "--target", path("out"), "--sync", sync)
    assert.equal(code, 1, err)
    assert.match(err, /^holdfast: f8: no space left on the disk$/m)
    assert.match(err, /could not be restored\. Fix the cause, then run the command again/)
    const names = readdirSync(path("out"))
    assert.ok(names.length > 0 && names.length < 8, names.join(" "))
    for (const name of names)
      assert.ok(readFileSync(path("out", name)).equals(readFileSync(join(source, name))), name)
  }
  remount("size=20m")
  assert.equal(box.run("restore", "latest", "--target", path("out")).code, 0)
  assertPicture(path("out"), pictureOf(source))
})

test("restore to a disk that loses data: 1 with an error, whichever flush reports it", (context) => {
  const box = sandbox(context)
  const { path } = losingDisk(context)
  const source = box.path("source")
  const random = seededRandom("losing disk")
  mkdirSync(source)
  for (let i = 0; i < 40; i++) writeFileSync(join(source, `f${i}`), random.bytes(1_000_000))
  box.must("init")
  box.must("backup", source)
  assertFailed(
    box.run("restore", "latest", "--target", path("out")),
    /out: the disk failed to write the restored files; some may be lost. Restore to another disk/,
  )
  const named = readdirSync(path("out")).filter((name) => !name.startsWith(".holdfast-restore-"))
  assert.deepEqual(named, [], "nothing has its name that is not on the disk")
})

test("restore to a read-only disk: 1 with an error, and existing files stay as they were", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "20m")
  const source = eightFiles(box)
  box.must("init")
  box.must("backup", source)
  box.must("restore", "latest", "--target", path("out"))
  writeFileSync(path("out", "f3"), "changed by hand")
  const before = pictureOf(path("out"))
  remount("ro")
  assertFailed(box.run("restore", "latest", "--target", path("new")), /new: the file system is read-only/)
  assertFailed(box.run("restore", "latest", "--target", path("out")), /f3: the file system is read-only/)
  assertPicture(path("out"), before)
  remount("rw")
  box.must("restore", "latest", "--target", path("out"))
  assertPicture(path("out"), pictureOf(source))
})

test("a home on a full or read-only disk: 1, reported, and the next run succeeds", (context) => {
  const box = sandbox(context)
  const { path, remount } = disk(context, "700k")
  const home = { HOLDFAST_HOME: path("home"), HOLDFAST_REPOSITORY: box.repository }
  const use = (...words: string[]): ReturnType<Sandbox["run"]> => box.runWith(home, words)
  mkdirSync(box.path("many"))
  for (let i = 0; i < 6000; i++) writeFileSync(box.path("many", `${i} ${"long name ".repeat(8)}`), `${i}`)
  assert.equal(use("init", "--key-file", box.keyFile).code, 0)
  assertFailed(
    use("backup", box.path("many")),
    /state\.sqlite: the local state cannot be read or written: no space left on its disk/,
  )
  remount("size=40m")
  assert.equal(use("backup", box.path("many")).code, 0)
  assert.equal(use("check", "--read-data").code, 0)
  remount("ro")
  assertFailed(use("snapshots"), /how its disk is mounted/)
  remount("rw")
  assert.equal(use("snapshots").code, 0)
})

test("a home on a disk that is full when the run begins: 1, reported, and the next run succeeds", (context) => {
  const box = sandbox(context)
  const { path } = disk(context, "700k")
  const home = { HOLDFAST_HOME: path("home"), HOLDFAST_REPOSITORY: box.repository }
  const use = (...words: string[]): ReturnType<Sandbox["run"]> => box.runWith(home, words)
  eightFiles(box)
  assert.equal(use("init", "--key-file", box.keyFile).code, 0)
  const { bavail, bsize } = statfsSync(path("."))
  writeFileSync(path("filler"), Buffer.alloc(bavail * bsize))
  for (const words of [["backup", box.path("source")], ["snapshots"]])
    assertFailed(use(...words), /no space left on its disk\. Free some space, then run the command again/)
  rmSync(path("filler"))
  assert.equal(use("backup", box.path("source")).code, 0)
  assert.equal(use("check", "--read-data").code, 0)
})
