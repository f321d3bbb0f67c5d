/** Results and refusals: correct counts, and what to type next. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

function place(context: TestContext): Sandbox {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a"), "one\n")
  writeFileSync(box.path("notes", "b"), "two\n")
  box.must("init")
  box.must("backup", "notes")
  return box
}

test("restore counts files that --overwrite kept apart from files that are up to date", (context) => {
  const box = place(context)
  box.must("restore", "latest", "--target", "out")
  assert.match(box.must("restore", "latest", "--target", "out").out, /2 files already up to date/)
  writeFileSync(box.path("out", "a"), "my own\n")
  const never = box.must("restore", "latest", "--target", "out", "--overwrite", "never")
  assert.match(never.out, /2 existing files kept \(--overwrite never\)/)
  assert.doesNotMatch(never.out, /up to date/)
  utimesSync(box.path("out", "a"), 0, 0)
  utimesSync(box.path("out", "b"), new Date("2040-01-01"), new Date("2040-01-01"))
  const newer = box.must("restore", "latest", "--target", "out", "--overwrite", "if-newer", "--json")
  assert.deepEqual([newer.last["files_skipped"], newer.last["files_kept"]], [1, 1])
  assert.equal(readFileSync(box.path("out", "a"), "utf8"), "one\n")
})

test("restore --dry-run -v lists what it would do", (context) => {
  const box = place(context)
  const { out } = box.must("restore", "latest", "--target", "out", "--dry-run", "-v")
  assert.match(out, /^would restore a$/m)
  assert.doesNotMatch(out, /^restored/m)
})

test("an include that matches nothing is reported alone, without advice to run the command again", (context) => {
  const box = place(context)
  const { code, err } = box.run(
    "restore",
    "latest",
    "--target",
    "out",
    "--include",
    "/nope",
    "--include",
    "a",
  )
  assert.equal(code, 1)
  assert.match(err, /\/nope: this pattern matches nothing in the snapshot/)
  assert.doesNotMatch(err, /could not be restored/)
  const empty = box.run("restore", "latest", "--target", "out", "--include", "")
  assert.equal(empty.code, 2)
  assert.match(empty.err, /--include needs a pattern; it is empty$/m)
  assert.match(box.run("find", "").err, /find needs a pattern; it is empty$/m)
})

test("log shows that a version is unchanged in later snapshots", (context) => {
  const box = place(context)
  box.must("backup", "notes", "--force-snapshot")
  assert.match(box.must("log", "a").out, /\(unchanged in 1 later snapshot\)/)
})

test("an empty --series, --host or --tag is refused where snapshots are chosen", (context) => {
  const box = place(context)
  for (const flag of ["--series", "--host", "--tag"]) {
    for (const words of [
      ["snapshots"],
      ["restore", "latest", "--target", "out"],
      ["find", "a"],
      ["log", "a"],
    ]) {
      const { code, err } = box.run(...words, flag, "")
      assert.equal(code, 2, `${words.join(" ")} ${flag}`)
      assert.match(err, new RegExp(`${flag} needs a .*; it is empty`))
    }
  }
})

test("a filter that matches no snapshot is named, with the series that there are", (context) => {
  const box = place(context)
  const { code, err } = box.run("ls", "latest", "--series", "nots")
  assert.equal(code, 1)
  assert.match(err, /no snapshot matches --series nots\. Series here: notes/)
  assert.match(
    box.run("ls", "latest", "--host", "x").err,
    /no snapshot matches --host x\. Series here: notes/,
  )
})

test("borg's REPOSITORY::ARCHIVE is refused when the repository is a name without a slash, too", (context) => {
  const box = place(context)
  const { code, err } = box.run("create", "repository::monday", "notes")
  assert.equal(code, 2, err)
  assert.match(err, /snapshots have IDs instead of names/)
  mkdirSync(box.path("odd::name"))
  writeFileSync(box.path("odd::name", "x"), "x\n")
  assert.equal(box.run("backup", "odd::name").code, 0)
  assert.equal(box.run("backup", `x=${box.path("odd::name")}`, "--series", "x").code, 0)
})

test("a damaged identity file is an error with what to do", (context) => {
  const box = place(context)
  const repositories = box.path("home", "repositories")
  const folder = join(repositories, readdirSync(repositories)[0] ?? "")
  for (const [name, advice] of [
    ["pins.json", /pins\.json: is not JSON\. Move this file away to continue/],
    ["device.json", /device\.json: is not JSON\. Move this file away, and give the repository's passphrase/],
  ] as const) {
    writeFileSync(join(folder, name), "{")
    const { code, err } = box.run("snapshots")
    assert.equal(code, 13)
    assert.match(err, advice)
  }
})

test("a backup without change fails when the folder of the repository is gone", (context) => {
  const box = place(context)
  assert.match(box.must("backup", "notes").out, /nothing changed/)
  renameSync(box.repository, box.path("elsewhere"))
  const { code, err } = box.run("backup", "notes")
  assert.equal(code, 10)
  assert.match(err, /no such folder\. Check that its disk is mounted/)
})
