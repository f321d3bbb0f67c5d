/** The field names that scripts rely on. A missing name breaks scripts. */
import assert from "node:assert/strict"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"

const SUMMARY_FIELDS = [
  "snapshot_id",
  "files_new",
  "files_changed",
  "files_unmodified",
  "dirs_new",
  "dirs_changed",
  "dirs_unmodified",
  "data_added",
  "data_added_packed",
  "total_files_processed",
  "total_bytes_processed",
  "total_duration",
  "errors",
  "requests",
]

function hasFields(line: JsonLine, names: readonly string[]): void {
  for (const name of names) assert.ok(name in line, `${String(line["message_type"])} lacks ${name}`)
}

function makeSource({ path }: Sandbox): string {
  mkdirSync(path("notes", "plans"), { recursive: true })
  writeFileSync(path("notes", "a.md"), "first\n")
  chmodSync(path("notes", "a.md"), 0o640)
  writeFileSync(path("notes", "plans", "may.md"), "x".repeat(3000))
  symlinkSync("a.md", path("notes", "link"))
  return path("notes")
}

test("init, backup, snapshots, ls, restore and check speak JSON lines with the promised fields", (context) => {
  const box = sandbox(context)
  const source = makeSource(box)
  const made = box.must("init", "--json").last
  assert.equal(made["message_type"], "initialized")
  assert.match(String(made["id"]), /^[0-9a-f]{32}$/)
  assert.equal(made["repository"], box.repository)

  const saved = box.must("backup", source, "--tag", "daily", "--json").last
  assert.equal(saved["message_type"], "summary")
  hasFields(saved, SUMMARY_FIELDS)
  assert.match(String(saved["snapshot_id"]), /^[0-9a-f]{64}$/)
  assert.deepEqual([saved["files_new"], saved["errors"]], [3, 0])
  assert.deepEqual(Object.keys(saved["requests"] as object).slice(0, 5), [
    "put",
    "get",
    "head",
    "list",
    "delete",
  ])

  const [snapshot = {}] = box.must("snapshots", "--json").lines
  hasFields(snapshot, [
    "id",
    "short_id",
    "time",
    "hostname",
    "username",
    "paths",
    "tags",
    "series",
    "device",
    "summary",
  ])
  assert.deepEqual(
    [snapshot["id"], snapshot["tags"], snapshot["series"]],
    [saved["snapshot_id"], ["daily"], "notes"],
  )
  assert.deepEqual(snapshot["paths"], [source])

  const listed = box.must("ls", "latest", "--json").lines
  const file = listed.find(({ path }) => path === "a.md") ?? {}
  hasFields(file, ["name", "type", "path", "uid", "gid", "size", "mode", "permissions", "mtime"])
  assert.deepEqual([file["type"], file["size"], file["permissions"]], ["file", 6, "-rw-r-----"])
  assert.equal(listed.find(({ path }) => path === "link")?.["linktarget"], "a.md")
  assert.equal(listed.find(({ path }) => path === "plans")?.["type"], "dir")

  const restored = box.must("restore", "latest", "--target", box.path("out"), "--json").last
  assert.equal(restored["message_type"], "summary")
  hasFields(restored, [
    "files_restored",
    "files_skipped",
    "files_deleted",
    "bytes_restored",
    "seconds_elapsed",
    "total_bytes",
    "bytes_skipped",
    "requests",
  ])

  const checked = box.must("check", "--read-data", "--json").last
  assert.deepEqual([checked["message_type"], checked["num_errors"], checked["snapshots"]], ["summary", 0, 1])
})

test("backup --json prints a null snapshot_id, and makes no request, when nothing changed", (context) => {
  const box = sandbox(context)
  const source = makeSource(box)
  box.must("init")
  // A file that is younger than two seconds when it is read may change unseen (rule W8).
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100)
  box.must("backup", source)
  const again = box.must("backup", source, "--json").last
  assert.equal(again["snapshot_id"], null)
  const { put, get, list } = again["requests"] as Record<string, number>
  assert.deepEqual([put, get, list], [0, 0, 0])
})

test("a path that is not UTF-8 keeps its bytes in path_base64", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(Buffer.from(`${box.path("notes")}/\xff.md`, "latin1"), "odd")
  box.must("init")
  box.must("backup", box.path("notes"))
  const line = box.must("ls", "latest", "--json").lines.find(({ type }) => type === "file") ?? {}
  assert.equal(Buffer.from(String(line["path_base64"]), "base64").toString("latin1"), "\xff.md")
})
