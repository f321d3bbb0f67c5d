/** What `backup` excludes and records by each flag, also with several named paths. */
import assert from "node:assert/strict"
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"

const FILES: Readonly<Record<string, string>> = {
  "a/keep.md": "1",
  "a/x.o": "1",
  "a/kept.o": "1",
  "a/build/out": "1",
  "a/secret": "1",
  "a/.gitignore": "*.o\nbuild/\n!kept.o\n",
  "a/.holdfastignore": "secret\n",
  "a/cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
  "a/cache/c": "1",
  "b/keep.md": "1",
  "b/x.o": "1",
  "b/deep/.gitignore": "/only-here\n",
  "b/deep/only-here": "1",
  "b/deep/more/only-here": "1",
  "b/big": "x".repeat(3000),
}

interface Place {
  readonly box: Sandbox
  /** The files of a backup with these words. */
  readonly kept: (...words: string[]) => string[]
}

function place(context: TestContext): Place {
  const box = sandbox(context)
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(box.path(path)), { recursive: true })
    writeFileSync(box.path(path), content)
  }
  box.must("init")
  const kept = (...words: string[]): string[] => {
    box.must("backup", "--series", "s", "--force-snapshot", ...words)
    const nodes = box.must("ls", "latest", "--json").lines
    return nodes.flatMap(({ type, path }) => (type === "file" ? [String(path)] : []))
  }
  return { box, kept }
}

/** Of both folders, without the named ones. */
function without(...names: string[]): string[] {
  return Object.keys(FILES)
    .filter((path) => path !== "a/secret" && !names.includes(path))
    .toSorted()
}

test("each way to exclude something applies in one folder and in several", (context) => {
  const { box, kept } = place(context)
  const both = (...flags: string[]): string[] => kept("a", "b", ...flags).toSorted()
  assert.deepEqual(both(), without())
  assert.deepEqual(both("--no-holdfast-ignore"), Object.keys(FILES).toSorted())
  assert.deepEqual(both("--git-ignore"), without("a/x.o", "a/build/out", "b/deep/only-here"))
  assert.deepEqual(both("--exclude-caches"), without("a/cache/c"))
  assert.deepEqual(both("--exclude-larger-than", "2k"), without("b/big"))
  assert.deepEqual(
    both("--iexclude", "*.O", "--exclude", "/b/deep"),
    without("a/x.o", "a/kept.o", "b/x.o").filter((path) => !path.startsWith("b/deep/")),
  )
  // a pattern is relative to the root of the snapshot: in a folder alone, to that folder
  assert.deepEqual(kept("b", "--exclude", "/deep"), ["big", "keep.md", "x.o"])
  assert.deepEqual(kept("b", "--git-ignore").includes("deep/only-here"), false)
  // under another name, the pattern files in it apply as before
  assert.ok(kept("n=a", "b", "--git-ignore").every((path) => !/^n\/(x\.o|build|secret)/.test(path)))
  writeFileSync(box.path("list"), "a/keep.md\na/x.o\nb/deep\n")
  // a/.gitignore was not named, and does not apply to named paths
  assert.deepEqual(kept("--files-from", "list", "--git-ignore").toSorted(), [
    "a/keep.md",
    "a/x.o",
    "b/deep/.gitignore",
    "b/deep/more/only-here",
  ])
  assert.ok(!kept("--files-from", "list", "--exclude", "*.o").includes("a/x.o"))
  writeFileSync(box.path("patterns"), "# not a pattern\n\nkeep.md\n!/a/keep.md\n")
  assert.deepEqual(both("--exclude-file", "patterns"), without("b/keep.md"))
})

test("--tag, --host and --time are recorded, and find the snapshot again", (context) => {
  const { box } = place(context)
  const save = (...words: string[]): unknown =>
    box.must("backup", "b", "--force-snapshot", "--json", ...words).last["snapshot_id"]
  const first = save(
    "--tag",
    "one,two",
    "--tag",
    "three",
    "--host",
    "elsewhere",
    "--time",
    "2024-02-03T04:05:06Z",
  )
  const second = save("--tag", "two")
  const found = (...words: string[]): unknown[] =>
    box.must("snapshots", "--json", ...words).lines.map(({ id }) => id)
  const [line = {}] = box.must("snapshots", "--json", "--host", "elsewhere").lines
  assert.deepEqual(
    [line["id"], line["tags"], line["hostname"]],
    [first, ["one", "three", "two"], "elsewhere"],
  )
  assert.match(String(line["time"]), /^2024-02-03T04:05:06/)
  assert.deepEqual(found("--tag", "two"), [first, second])
  assert.deepEqual(found("--tag", "two,one"), [first])
  assert.deepEqual(found("--tag", "two", "--tag", "four"), [])
  assert.equal(box.must("dump", "2024-02-03T04:05:06:keep.md").out, "1")
})

test("--force reads files that look unchanged; without it the change is not noticed", (context) => {
  const { box } = place(context)
  const time = new Date("2024-01-01")
  const write = (content: string): void => {
    writeFileSync(box.path("b", "keep.md"), content)
    utimesSync(box.path("b", "keep.md"), time, time)
  }
  write("one")
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100)
  const changed = (...words: string[]): JsonLine => box.must("backup", "b", "--json", ...words).last
  assert.equal(changed()["files_new"], 6)
  assert.equal(changed()["snapshot_id"], null)
  const forced = changed("--force")
  assert.deepEqual([forced["snapshot_id"], forced["files_changed"]], [null, 0])
  write("two")
  rmSync(box.path("b", "big"))
  const { files_changed } = changed("--force")
  assert.equal(files_changed, 1)
  assert.equal(box.must("dump", "latest:keep.md").out, "two")
})
