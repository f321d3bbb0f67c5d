/**
 * Every verb with --dry-run: everything that it could change (repository, home, caches, mirror, sources, targets)
 * is compared before and after, and its figures with those of the real run.
 */
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"
import { VERBS } from "../verbs/table.ts"

/**
 * Every entry below it, with content, mode and times; also of folders, whose times show added and removed entries.
 */
function listing(root: string): string[] {
  const all = ["", ...readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted()]
  return all.map((path) => {
    const place = join(root, path)
    const { mode, size, mtimeNs, ctimeNs, ino, nlink } = lstatSync(place, { bigint: true })
    const kind = lstatSync(place)
    const content = kind.isFile()
      ? createHash("sha256").update(readFileSync(place)).digest("hex")
      : kind.isSymbolicLink()
        ? readlinkSync(place)
        : ""
    return [path, mode.toString(8), size, mtimeNs, ctimeNs, ino, nlink, content].join(" ")
  })
}

function assertUnchanged(root: string, before: readonly string[], what: string): void {
  const after = listing(root)
  const differing = [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ]
  assert.equal(differing.join("\n"), "", what)
}

interface Place {
  readonly box: Sandbox
  readonly source: string
  /** Makes a dry run, compares the state before and after, and returns its summary. */
  readonly dry: (...words: string[]) => JsonLine
  /** The same words for real, and the fields that both summaries must have alike. */
  readonly real: (planned: JsonLine, fields: readonly string[], ...words: string[]) => void
}

function place(context: TestContext): Place {
  const box = sandbox(context)
  const source = box.path("source")
  fill(source)
  box.must("init", "--recovery-words-file", box.path("words"))
  return {
    box,
    source,
    dry(...words) {
      const before = listing(box.folder)
      const { last } = box.must(...words, "--dry-run", "--json")
      assertUnchanged(box.folder, before, words.join(" "))
      assert.equal(last["dry_run"], true)
      return last
    },
    real(planned, fields, ...words) {
      const { last } = box.must(...words, "--json")
      const pick = (line: JsonLine): JsonLine =>
        Object.fromEntries(fields.map((field) => [field, line[field]]))
      for (const field of fields) assert.notEqual(planned[field], undefined, `${words[0]} has no ${field}`)
      assert.deepEqual(pick(planned), pick(last), words.join(" "))
    },
  }
}

function put(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function fill(source: string): void {
  for (let i = 0; i < 40; i++) put(join(source, `folder ${i % 4}/${i}`), `content ${i} `.repeat(i * 20))
  put(join(source, "large"), "0123456789".repeat(300_000))
  put(join(source, "empty/empty"), "")
  linkSync(join(source, "large"), join(source, "link to large"))
  symlinkSync("large", join(source, "symlink"))
}

const BACKUP = ["files_new", "files_changed", "files_unmodified", "dirs_new", "dirs_changed", "data_added"]
const MORE = ["data_added_packed", "total_files_processed", "total_bytes_processed"]
const RESTORE = ["total_files", "files_restored", "files_skipped", "files_deleted", "bytes_restored"]

test("--dry-run is on the verbs that this file tests, and on no other", () => {
  // commands/schedule.slow.test.ts tests those of schedules
  const found = VERBS.filter(({ flags }) => flags.some(({ name }) => name === "dry-run")).filter(
    ({ name }) => !name.startsWith("schedule "),
  )
  assert.deepEqual(
    found.map(({ name }) => name),
    ["key remove", "backup", "restore", "copy"],
  )
})

test("backup --dry-run changes nothing anywhere, and counts what the backup then does", (context) => {
  const { box, source, dry, real } = place(context)
  const fields = [...BACKUP, ...MORE].filter((field) => field !== "")
  real(dry("backup", source), fields, "backup", source)
  put(join(source, "folder 1/new"), "something new")
  put(join(source, "large"), "0123456789".repeat(300_001))
  rmSync(join(source, "folder 2"), { recursive: true })
  real(dry("backup", source), fields, "backup", source)
  real(dry("backup", source), fields, "backup", source)
  // on a machine that has never seen the repository
  const stranger = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_KEY_FILE: box.keyFile }
  const before = listing(box.folder)
  const words = ["backup", source, "--dry-run", "--force"]
  const { code, err } = box.runWith({ ...stranger, HOLDFAST_HOME: box.path("no home") }, words)
  assert.equal(code, 0, err)
  assertUnchanged(box.folder, before, "a new home")
})

test("a dry run leaves the home as it is when another device has written meanwhile", (context) => {
  const { box, source, dry } = place(context)
  box.must("backup", source)
  put(join(source, "other"), "from another device")
  const other = {
    HOLDFAST_REPOSITORY: box.repository,
    HOLDFAST_KEY_FILE: box.keyFile,
    HOLDFAST_HOME: box.path("other home"),
  }
  assert.equal(box.runWith(other, ["backup", source]).code, 0)
  assert.equal(dry("backup", source)["files_new"], 0, "it is in the other device's snapshot")
  dry("restore", "latest", "--target", box.path("out"))
  dry("copy", box.path("mirror"))
})

test("copy --dry-run and copy --promote --dry-run change nothing, and count what the copy then does", (context) => {
  const { box, source, dry, real } = place(context)
  box.must("backup", source)
  const mirror = box.path("a/mirror")
  const fields = ["objects_copied", "bytes_copied", "objects_present", "bytes_present"]
  real(dry("copy", mirror), fields, "copy", mirror)
  put(join(source, "new"), "something new")
  box.must("backup", source)
  real(dry("copy", mirror), fields, "copy", mirror)
  dry("copy", "--promote", mirror)
  box.must("copy", mirror)
  box.must("copy", "--promote", mirror)
})

test("key remove --dry-run removes nothing, and fails where the removal would", (context) => {
  const { box, dry } = place(context)
  const keys = box.must("key", "list", "--json").lines.filter(({ message_type }) => message_type === "key")
  const id = (kind: string): string => String(keys.find((key) => key["kind"] === kind)?.["id"])
  dry("key", "remove", id("recovery"))
  box.must("key", "remove", id("recovery"))
  const before = listing(box.folder)
  const last = box.run("key", "remove", id("key"), "--dry-run")
  assert.equal(last.code, 2)
  assertUnchanged(box.folder, before, "the last keyslot")
  assert.match(last.err, /last keyslot/)
})

test("restore --dry-run changes nothing, and counts what the restore then does, wherever the target is", (context) => {
  const { box, source, dry, real } = place(context)
  box.must("backup", source)
  const restore = (target: string, ...more: string[]): string[] => [
    "restore",
    "latest",
    "--target",
    box.path(target),
    ...more,
  ]
  const both = (target: string, ...more: string[]): JsonLine => {
    const planned = dry(...restore(target, ...more))
    real(planned, RESTORE, ...restore(target, ...more))
    return planned
  }
  assert.equal(both("not/there/yet")["files_restored"], 44)
  assert.equal(both("not/there/yet")["files_skipped"], 44, "all equal")
  mkdirSync(box.path("empty target"))
  both("empty target")
  both("part", "--include", "folder 1", "--exclude", "*3")

  const target = box.path("not/there/yet")
  put(join(target, "folder 1/1"), "changed")
  put(join(target, "folder 2/extra/deep"), "extra")
  put(join(target, "extra"), "extra")
  chmodSync(join(target, "folder 3/3"), 0o600)
  utimesSync(join(target, "folder 0"), 1, 1)
  rmSync(join(target, "folder 3/7"))
  rmSync(join(target, "symlink"))
  put(join(target, "folder 0/0"), "another one with the name")
  rmSync(join(target, "link to large"))
  const planned = both("not/there/yet")
  assert.ok(Number(planned["files_restored"]) >= 4 && Number(planned["files_skipped"]) >= 30)
  put(join(target, "folder 1/1"), "changed once more")
  for (const when of ["never", "if-newer", "if-changed", "always"]) both("not/there/yet", "--overwrite", when)
  both("not/there/yet", "--delete")
  rmSync(join(target, "folder 1"), { recursive: true })
  put(join(target, "folder 1"), "a file where a folder is")
  rmSync(join(target, "folder 2/2"))
  mkdirSync(join(target, "folder 2/2"))
  both("not/there/yet")
  const again = ["restore", "latest", "--in-place"]
  put(join(source, "folder 1/1"), "changed")
  real(dry(...again), RESTORE, ...again)
})

test("restore --dry-run fails where the restore would", (context) => {
  const { box, source } = place(context)
  box.must("backup", source)
  put(box.path("target/folder 1/1/in the way"), "")
  put(box.path("file"), "")
  for (const words of [
    ["restore", "latest", "--target", box.path("target")],
    ["restore", "latest", "--target", box.path("file/below")],
    ["restore", "latest", "--target", box.path("file")],
    ["restore", "latest", "--target", box.path("home/out")],
    ["restore", "latest", "--target", box.repository],
  ]) {
    const before = listing(box.folder)
    const planned = box.run(...words, "--dry-run")
    assertUnchanged(box.folder, before, words.join(" "))
    const { code, err } = box.run(...words)
    assert.notEqual(code, 0)
    assert.deepEqual([planned.code, planned.err.replace("dry run: ", "")], [code, err], words.join(" "))
  }
})
