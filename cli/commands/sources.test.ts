/** The sources of `backup`, other than one folder. */
import assert from "node:assert/strict"
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"

function make(box: Sandbox, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(box.path(...path.split("/").slice(0, -1)), { recursive: true })
    writeFileSync(box.path(...path.split("/")), content)
  }
}

function listed(box: Sandbox): string[] {
  return box.must("ls", "latest").out.trim().split("\n")
}

test("several paths are stored below their longest common folder, name=PATH renames", (context) => {
  const box = sandbox(context)
  make(box, { "a/x/1": "1", "a/y/2": "2", "other/3": "3" })
  box.must("init")
  box.must("backup", "a/x", "a/y", "third=other", "--series", "s")
  assert.deepEqual(listed(box), ["third", "third/3", "x", "x/1", "y", "y/2"])
})

test("a missing path moves neither the others nor the series", (context) => {
  const box = sandbox(context)
  make(box, { "a/x/1": "1", "a/y/2": "2" })
  box.must("init")
  const save = (): JsonLine => {
    const { code, last } = box.run("backup", "a/x", "a/y", "--json")
    return { ...last, code }
  }
  assert.equal(save()["code"], 0)
  const before = listed(box)
  renameSync(box.path("a", "y"), box.path("away"))
  const without = save()
  assert.deepEqual([without["code"], without["series"], without["errors"]], [3, "a", 1])
  assert.deepEqual(
    listed(box),
    before.filter((path) => !path.startsWith("y")),
  )
  renameSync(box.path("away"), box.path("a", "y"))
  assert.equal(save()["code"], 0)
  assert.deepEqual(listed(box), before)
})

test("a named link means its target, and is restored there", (context) => {
  const box = sandbox(context)
  make(box, { "real/1": "1", "real/sub/2": "2" })
  symlinkSync("real", box.path("link"))
  box.must("init")
  for (const words of [["link"], ["link/sub"], ["link/1"], ["link/1", "link/sub"]]) {
    box.must("backup", ...words, "--series", "s")
    assert.match(box.must("diff", "latest", "--series", "s").out, /^0 added, 0 removed, 0 changed/)
    rmSync(box.path("real", "sub", "2"))
    rmSync(box.path("real", "1"))
    box.must("restore", "latest", "--series", "s", "--in-place")
    if (!words.includes("link/sub")) assert.equal(readFileSync(box.path("real", "1"), "utf8"), "1")
    if (!words.includes("link/1")) assert.equal(readFileSync(box.path("real", "sub", "2"), "utf8"), "2")
    make(box, { "real/1": "1", "real/sub/2": "2" })
  }
  assert.ok(lstatSync(box.path("link")).isSymbolicLink())
  assert.equal(box.must("backup", "link", "--json").last["series"], "link")
})

test("a renamed source is restored only to a given target", (context) => {
  const box = sandbox(context)
  make(box, { "a/x/1": "1", "a/y/2": "2" })
  box.must("init")
  box.must("backup", "z=a/x", "a/y", "--series", "s")
  for (const words of [
    ["restore", "latest", "--in-place"],
    ["diff", "latest"],
  ]) {
    const { code, err } = box.run(...words)
    assert.equal(code, 2, err)
    assert.match(err, /saved under other names/)
  }
  box.must("restore", "latest", "--target", box.path("out"))
  assert.equal(readFileSync(box.path("out", "z", "1"), "utf8"), "1")
})

test("--files-from reads paths from a file and from standard input", (context) => {
  const box = sandbox(context)
  make(box, { "a/1": "1", "a/2": "2", "a/3": "3", list: "a/1\n\na/3\n" })
  box.must("init")
  box.must("backup", "--files-from", box.path("list"), "--series", "s")
  assert.deepEqual(listed(box), ["1", "3"])
  const usual = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("home") }
  assert.equal(box.runWith(usual, ["backup", "--files-from", "-", "--series", "s"], "a/2\na/1\n").code, 0)
  assert.deepEqual(listed(box), ["1", "2"])
  assert.match(box.run("backup", "--files-from", "missing").err, /--files-from missing cannot be read/)
})

test("--stdin saves standard input as one file", (context) => {
  const box = sandbox(context)
  box.must("init")
  const usual = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("home") }
  const saved = box.runWith(usual, ["backup", "--stdin", "--stdin-filename", "shop.sql"], "select 1;\n")
  assert.equal(saved.code, 0, saved.err)
  assert.equal(box.must("dump", "latest:shop.sql").out, "select 1;\n")
  box.must("restore", "latest", "--target", box.path("out"))
  assert.equal(readFileSync(box.path("out", "shop.sql"), "utf8"), "select 1;\n")
  assert.match(box.run("restore", "latest", "--in-place").err, /was not taken from a folder/)
})

test("--stdin with the content of the last snapshot writes nothing, unless --force-snapshot", (context) => {
  const box = sandbox(context)
  box.must("init")
  const usual = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("home") }
  const save = (input: string, ...flags: string[]): JsonLine =>
    box.runWith(usual, ["backup", "--stdin", "--json", ...flags], input).last
  assert.notEqual(save("one\n")["snapshot_id"], null)
  const { snapshot_id, files_unmodified, requests } = save("one\n")
  assert.deepEqual([snapshot_id, files_unmodified], [null, 1])
  assert.equal((requests as JsonLine)["put"], 0)
  assert.notEqual(save("two\n")["snapshot_id"], null)
  assert.notEqual(save("one\n")["snapshot_id"], null, "an older content again is a change")
  assert.equal(box.must("snapshots", "--json").lines.length, 3)
  assert.notEqual(save("one\n", "--force-snapshot")["snapshot_id"], null)
})

test("--stdin-from-command saves the output of a command", (context) => {
  const box = sandbox(context)
  box.must("init")
  box.must("backup", "--stdin-from-command", "--stdin-filename", "out", "--", "printf", "%s", "some output")
  assert.equal(box.must("dump", "latest:out").out, "some output")
})

test("--stdin-from-command writes no snapshot when the command fails", (context) => {
  const box = sandbox(context)
  box.must("init")
  const failing = ["--stdin-from-command", "--", "sh", "-c", "printf half; exit 7"]
  const { code, err } = box.run("backup", ...failing)
  assert.equal(code, 1)
  assert.match(err, /sh exited with 7/)
  assert.equal(box.must("snapshots", "--json").lines.length, 0)
  assert.equal(box.run("backup", "--stdin-from-command", "--", "no-such-program-here").code, 1)
})

test("exclude flags, exclude files, ignore files and markers leave things out", (context) => {
  const box = sandbox(context)
  make(box, {
    "s/keep": "1",
    "s/a.tmp": "1",
    "s/B.LOG": "1",
    "s/listed": "1",
    "s/secret": "1",
    "s/big": "x".repeat(5000),
    "s/.holdfastignore": "secret\n",
    "s/marked/.nobackup": "",
    "s/marked/f": "1",
    patterns: "listed\n",
  })
  box.must("init")
  const flags = ["--exclude", "*.tmp", "--iexclude", "*.log", "--exclude-file", "patterns"]
  box.must("backup", "s", ...flags, "--exclude-if-present", ".nobackup", "--exclude-larger-than", "4k")
  assert.deepEqual(listed(box), [".holdfastignore", "keep", "marked", "marked/.nobackup"])
})

test("backup --dry-run writes nothing", (context) => {
  const box = sandbox(context)
  make(box, { "s/f": "1" })
  box.must("init")
  const { last } = box.must("backup", "s", "--dry-run", "--json")
  assert.deepEqual([last["dry_run"], last["snapshot_id"], last["files_new"]], [true, null, 1])
  assert.equal(box.must("snapshots", "--json").lines.length, 0)
})

test("the repository and the home inside a source are left out, with one line of output", (context) => {
  const box = sandbox(context)
  make(box, { "s/f": "1" })
  const inside = { HOLDFAST_HOME: box.path("s", "home"), HOLDFAST_KEY_FILE: box.keyFile }
  assert.equal(box.runWith(inside, ["init", box.path("s", "repository")]).code, 0)
  const { err } = box.runWith(inside, ["backup", "s"])
  assert.match(err, /skipped: .*repository/)
  const names = box.runWith(inside, ["ls", "latest"]).out
  assert.equal(names, "f\n")
})
