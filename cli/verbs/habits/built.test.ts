/** Flags that users of restic know, on the built program and a small repository. */
import assert from "node:assert/strict"
import { existsSync, globSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { sandbox, type Sandbox } from "../../testing/run-cli.ts"

/** Five snapshots: three of notes, two of photos, with hosts and tags. */
function fiveSnapshots(box: Sandbox): void {
  for (const name of ["notes", "photos"]) mkdirSync(join(box.path(name), "Sub"), { recursive: true })
  writeFileSync(box.path("notes", "a.txt"), "a\n")
  writeFileSync(box.path("notes", "Sub", "B.TXT"), "b\n")
  writeFileSync(box.path("notes", "c.md"), "c\n")
  writeFileSync(box.path("photos", "p.jpg"), "p\n")
  utimesSync(box.path("notes", "a.txt"), new Date(2020, 0, 1), new Date(2020, 0, 1))
  box.must("init")
  box.must("backup", box.path("notes"), "--host", "alpha", "--tag", "one")
  box.must("backup", box.path("notes"), "--host", "alpha", "--force-snapshot")
  box.must("backup", box.path("notes"), "--host", "beta", "--force-snapshot")
  box.must("backup", box.path("photos"), "--host", "alpha")
  box.must("backup", box.path("photos"), "--host", "alpha", "--force-snapshot")
}

test("snapshots --latest N keeps the last of each series, or of each group", (context) => {
  const box = sandbox(context)
  fiveSnapshots(box)
  const all = box.must("snapshots", "--json").lines.map(({ id }) => id)
  const ids = (...words: string[]): unknown[] =>
    box.must("snapshots", "--json", ...words).lines.map(({ id }) => all.indexOf(id))
  assert.deepEqual(ids("--latest", "1"), [2, 4])
  assert.deepEqual(ids("--latest", "2"), [1, 2, 3, 4])
  assert.deepEqual(ids("--latest", "9"), [0, 1, 2, 3, 4])
  assert.deepEqual(ids("--latest", "1", "--group-by", "host,paths"), [1, 2, 4])
  assert.deepEqual(ids("-n", "1"), [2, 4])
  assert.deepEqual(ids("latest~1", "--series", "notes"), [1])
  assert.deepEqual(ids(String(all[3]), String(all[0])), [3, 0])
  assert.equal(box.run("snapshots", "--latest", "0").code, 2)
  assert.equal(box.run("snapshots", "ffffffff").code, 1)
})

test("snapshots --group-by prints groups, with their key in JSON; --compact leaves columns out", (context) => {
  const box = sandbox(context)
  fiveSnapshots(box)
  const grouped = box.must("snapshots", "--group-by", "host,series", "--json").lines
  assert.deepEqual(
    grouped.map(({ group_key: key }) => key),
    [
      { hostname: "alpha", series: "notes" },
      { hostname: "alpha", series: "notes" },
      { hostname: "beta", series: "notes" },
      { hostname: "alpha", series: "photos" },
      { hostname: "alpha", series: "photos" },
    ],
  )
  const { out } = box.must("snapshots", "-g", "host", "--compact")
  assert.match(out, /^hostname alpha\nid +time +host +series +tags\n/)
  assert.match(out, /\n\nhostname beta\nid +time/)
  assert.match(out, /\n5 snapshots\n$/)
  assert.doesNotMatch(box.must("snapshots", "-c").out, /files|paths/)
  const { code, err } = box.run("snapshots", "--group-by", "colour")
  assert.equal(code, 2)
  assert.match(err, /--group-by needs some of host, paths, tags, series, not "colour"/)
})

test("find takes --long, --ignore-case, --newest, --oldest and --snapshot", (context) => {
  const box = sandbox(context)
  fiveSnapshots(box)
  const found = (...words: string[]): unknown[] =>
    box
      .must("find", "--series", "notes", "--snapshot", "latest", "--json", ...words)
      .lines.map(({ path }) => path)
  assert.deepEqual(found("*.txt"), ["a.txt"])
  assert.deepEqual(found("-i", "*.txt"), ["Sub/B.TXT", "a.txt"])
  assert.deepEqual(found("-i", "sub/*.txt"), ["Sub/B.TXT"])
  assert.deepEqual(found("-i", "*.txt", "--newest", "2020-01-01"), ["a.txt"])
  assert.deepEqual(found("-i", "*.txt", "-O", "2020-01-02"), ["Sub/B.TXT"])
  assert.deepEqual(found("-i", "*.txt", "-O", "2020-01-02", "-N", "2020-01-03"), [])
  assert.match(
    box.must("find", "-l", "a.txt").out,
    /^[0-9a-f]{8} .*\n {2}-rw\S+ \S+:\S+ +2 2020-01-01 00:00:00 a\.txt$/m,
  )
  assert.equal(box.run("find", "a", "--newest", "May").code, 2)
})

test("restore takes --iinclude, --iexclude, --include-file and --exclude-file", (context) => {
  const box = sandbox(context)
  fiveSnapshots(box)
  let runs = 0
  const restored = (...words: string[]): string[] => {
    const target = box.path(`out${runs++}`)
    box.must("restore", "latest", "--series", "notes", "--target", target, ...words)
    return globSync("**/*.*", { cwd: target }).toSorted()
  }
  writeFileSync(box.path("some"), "# a comment\n\n*.txt\n*.md\n")
  assert.deepEqual(restored("--iinclude", "*.txt"), ["Sub/B.TXT", "a.txt"])
  assert.deepEqual(restored("--iexclude", "*.txt"), ["c.md"])
  assert.deepEqual(restored("--include-file", box.path("some")), ["a.txt", "c.md"])
  assert.deepEqual(restored("--include", "*.md", "--iinclude", "b.*"), ["Sub/B.TXT", "c.md"])
  assert.deepEqual(restored("--exclude-file", box.path("some")), ["Sub/B.TXT"])
  assert.deepEqual(restored("--exclude-from", box.path("some")), ["Sub/B.TXT"])
  writeFileSync(box.path("none"), "# nothing\n")
  for (const [file, why] of [
    [box.path("none"), /has no pattern in it/],
    [box.path("missing"), /no such file/],
  ] as const) {
    const { code, err } = box.run("restore", "latest", "-t", box.path("never"), "--include-file", file)
    assert.equal(code, 2)
    assert.match(err, why)
    assert.ok(!existsSync(box.path("never")))
  }
})

test("check --read-data-subset takes 1/5, a share and a size, and all parts together find damage", (context) => {
  const box = sandbox(context)
  fiveSnapshots(box)
  const packs = globSync("packs/**/*", { cwd: box.path("repository"), withFileTypes: true }).filter((each) =>
    each.isFile(),
  )
  assert.ok(packs.length >= 2)
  const read = (part: string): number =>
    Number(box.must("check", "--read-data-subset", part, "--json").last["packs_read"])
  const parts = [1, 2, 3].map((part) => read(`${part}/3`))
  assert.equal(
    parts.reduce((sum, each) => sum + each),
    packs.length,
  )
  assert.equal(read("100%"), packs.length)
  assert.equal(read("1k"), 1)
  assert.equal(read("1T"), packs.length)

  const [hurt] = packs
  assert.ok(hurt !== undefined)
  const file = join(hurt.parentPath, hurt.name)
  const bytes = readFileSync(file)
  bytes[40] = (bytes[40] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const codes = [1, 2, 3].map((part) => box.run("check", "--read-data-subset", `${part}/3`).code)
  assert.deepEqual(
    codes.filter((code) => code !== 0),
    [13],
  )
})
