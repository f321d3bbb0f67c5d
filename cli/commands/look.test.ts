/** The verbs that only look, on one small repository with three snapshots. */
import assert from "node:assert/strict"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

/** Three snapshots of `notes`: first, then changed, then the same again by force. */
function threeSnapshots(box: Sandbox): string {
  const source = box.path("notes")
  mkdirSync(join(source, "plans"), { recursive: true })
  writeFileSync(join(source, "plans", "may.md"), "one\n")
  writeFileSync(join(source, "a.txt"), "x\n")
  box.must("init")
  box.must("backup", source)
  writeFileSync(join(source, "plans", "may.md"), "one\ntwo\n")
  writeFileSync(join(source, "b.txt"), "new\n")
  rmSync(join(source, "a.txt"))
  box.must("backup", source)
  box.must("backup", source, "--force-snapshot", "--tag", "kept")
  return source
}

test("holdfast ls, find, log and diff list entries and changes", (context) => {
  const box = sandbox(context)
  const source = threeSnapshots(box)
  assert.equal(box.must("ls", "latest").out, "b.txt\nplans\nplans/may.md\n")
  assert.equal(box.must("ls", "latest", "--no-recursive").out, "b.txt\nplans\n")
  assert.equal(box.must("ls", "latest:plans").out, "plans\nplans/may.md\n")
  assert.match(box.must("ls", "-l", "latest~2").out, /^drwx\S+ .* \.\n-rw\S+ .* 2 .* a\.txt$/m)

  const found = box.must("find", "*.md", "--json").lines
  assert.deepEqual(
    found.map(({ path }) => path),
    ["plans/may.md", "plans/may.md", "plans/may.md"],
  )
  const versions = box.must("log", "plans/may.md", "--json").lines
  assert.deepEqual(
    versions.map(({ folded, entry }) => [folded, (entry as { size: number }).size]),
    [
      [1, 8],
      [0, 4],
    ],
  )
  const changes = box.must("diff", "latest~2", "latest").out
  assert.match(changes, /^- {4}a\.txt\n\+ {4}b\.txt\nM {4}plans\/may\.md\n1 added, 1 removed, 1 changed/)
  writeFileSync(join(source, "c.txt"), "later\n")
  assert.match(box.must("diff", "latest").out, /^\+ {4}c\.txt\n1 added, 0 removed/)
})

test("holdfast snapshots narrows its list by tag, and shows it in 80 columns' worth of words", (context) => {
  const box = sandbox(context)
  threeSnapshots(box)
  assert.equal(box.must("snapshots", "--json").lines.length, 3)
  assert.equal(box.must("snapshots", "--tag", "kept", "--json").lines.length, 1)
  const { out } = box.must("snapshots")
  assert.match(out, /^id +time +host +series +files +size +tags +paths\n[0-9a-f]{8} /)
  assert.match(out, /3 snapshots\n$/)
})

test("holdfast dump prints one file's bytes and nothing else, or a tar archive", (context) => {
  const box = sandbox(context)
  threeSnapshots(box)
  assert.equal(box.must("dump", "latest:plans/may.md").out, "one\ntwo\n")
  assert.equal(box.must("dump", "latest~2", "plans/may.md").out, "one\n")
  assert.match(box.run("dump", "latest:plans").err, /--archive tar/)
  box.must("dump", "latest", "plans/may.md", "--target", box.path("may.md"))
  assert.equal(readFileSync(box.path("may.md"), "utf8"), "one\ntwo\n")
  assert.notEqual(box.run("dump", "latest", "plans/may.md", "--target", box.path("may.md")).code, 0)
})

test("holdfast stats, cache and doctor run, in words and in JSON", (context) => {
  const box = sandbox(context)
  threeSnapshots(box)
  assert.equal(box.must("stats", "--json").last["snapshots_count"], 3)
  assert.match(box.must("stats").out, /bytes in the store/)
  assert.match(box.must("doctor").out, /^ok {2}program/)
  const [cache] = box.must("cache", "--clear", "--json").lines
  assert.equal(cache?.["cleared"], true)
  assert.ok(!existsSync(String(cache?.["path"])))
  assert.equal(box.must("snapshots", "--json").lines.length, 3, "what was cleared is made anew")
})

test("a missing path or snapshot is reported with advice, and code 1", (context) => {
  const box = sandbox(context)
  threeSnapshots(box)
  for (const words of [
    ["ls", "latest:nope"],
    ["log", "nope"],
    ["dump", "latest:nope"],
    ["ls", "ffffffff"],
    ["restore", "latest:nope", "--target", box.path("nothing")],
    ["diff", "latest:nope"],
    ["diff", "latest~1:nope", "latest:nope"],
  ]) {
    const { code, err } = box.run(...words)
    assert.equal(code, 1, words.join(" "))
    assert.match(err, /^holdfast: .*(no such|no snapshot)/)
  }
})

test("restore --target makes the folder equal, --in-place restores to the original location", (context) => {
  const box = sandbox(context)
  const source = threeSnapshots(box)
  chmodSync(source, 0o750)
  box.must("backup", source, "--force-snapshot")
  box.must("restore", "latest", "--target", box.path("out"))
  assert.equal(statSync(box.path("out")).mode & 0o777, 0o750)
  assert.equal(readFileSync(box.path("out", "plans", "may.md"), "utf8"), "one\ntwo\n")
  rmSync(source, { recursive: true })
  box.must("restore", "latest", "--in-place")
  assert.equal(readFileSync(join(source, "b.txt"), "utf8"), "new\n")
  rmSync(join(source, "plans"), { recursive: true })
  box.must("restore", "latest~3:plans/may.md", "--in-place")
  assert.equal(readFileSync(join(source, "plans", "may.md"), "utf8"), "one\n")
})

test("restore --in-place --delete is refused where it would hit neighbours", (context) => {
  const box = sandbox(context)
  for (const name of ["one", "two", "neighbour"]) {
    mkdirSync(box.path(name))
    writeFileSync(box.path(name, "f"), name)
  }
  box.must("init")
  box.must("backup", box.path("one"), box.path("two"), "--series", "both")
  const { code, err } = box.run("restore", "latest", "--in-place", "--delete")
  assert.equal(code, 2)
  assert.match(err, /never backed up/)
  rmSync(box.path("one"), { recursive: true })
  box.must("restore", "latest", "--in-place")
  assert.equal(readFileSync(box.path("one", "f"), "utf8"), "one")
  assert.equal(readFileSync(box.path("neighbour", "f"), "utf8"), "neighbour")
})
