import assert from "node:assert/strict"
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { compareTrees, describeDifferences } from "./compare-trees.ts"

function makeTree(folder: string): string {
  mkdirSync(join(folder, "sub"), { recursive: true })
  writeFileSync(join(folder, "sub", "a.txt"), "a".repeat(3_000_000))
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/raw-`), Buffer.from([0xff, 0xfe])]), "raw")
  linkSync(join(folder, "sub", "a.txt"), join(folder, "hard"))
  symlinkSync("sub/a.txt", join(folder, "soft"))
  lutimesSync(join(folder, "soft"), 1_000, 1_000)
  for (const name of ["sub/a.txt", "sub", ""]) utimesSync(join(folder, name), 1_000.5, 1_000.5)
  utimesSync(Buffer.concat([Buffer.from(`${folder}/raw-`), Buffer.from([0xff, 0xfe])]), 1_000, 1_000)
  utimesSync(folder, 1_000.5, 1_000.5)
  return folder
}

function twoTrees(t: TestContext): [string, string] {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-compare-"))
  t.after(() => rmSync(scratch, { recursive: true }))
  return [makeTree(join(scratch, "left")), makeTree(join(scratch, "right"))]
}

test("compareTrees() finds no difference between equal trees with raw names and links", (t) => {
  const [left, right] = twoTrees(t)
  assert.deepEqual(compareTrees(left, right, { root: true }), [])
  assert.equal(describeDifferences([]), "exact")
})

// a.txt has two names, and a difference of the file is reported at both
const changes: readonly [name: string, change: (folder: string) => void, expected: string][] = [
  ["a flipped last byte", (f) => rewrite(f, `${"a".repeat(2_999_999)}b`), "2 content"],
  ["a shorter file", (f) => rewrite(f, "a".repeat(2_999_999)), "2 content"],
  ["a mode", (f) => chmodSync(join(f, "sub", "a.txt"), 0o600), "2 mode"],
  [
    "a time that differs by a microsecond",
    (f) => utimesSync(join(f, "sub"), 1_000.5, 1_000.500001),
    "1 mtime",
  ],
  ["the folder's own time", (f) => utimesSync(f, 7, 7), "1 mtime"],
  ["a missing file", (f) => withTimes(f, () => rmSync(join(f, "soft"))), "1 missing"],
  ["an extra file", (f) => withTimes(f, () => writeFileSync(join(f, "new"), "")), "1 extra"],
  ["another link target", (f) => withTimes(f, () => relink(f, "sub/b.txt")), "1 link"],
  ["a copy in place of a hard link", (f) => withTimes(f, () => copyInPlace(f)), "1 hard-link"],
  ["a file in place of a link", (f) => withTimes(f, () => fileInPlace(f)), "1 type"],
]

function rewrite(folder: string, text: string): void {
  writeFileSync(join(folder, "sub", "a.txt"), text)
  utimesSync(join(folder, "sub", "a.txt"), 1_000.5, 1_000.5)
}

function withTimes(folder: string, change: () => void): void {
  change()
  utimesSync(folder, 1_000.5, 1_000.5)
}

function relink(folder: string, target: string): void {
  rmSync(join(folder, "soft"))
  symlinkSync(target, join(folder, "soft"))
  lutimesSync(join(folder, "soft"), 1_000, 1_000)
}

function copyInPlace(folder: string): void {
  rmSync(join(folder, "hard"))
  writeFileSync(join(folder, "hard"), "a".repeat(3_000_000))
  utimesSync(join(folder, "hard"), 1_000.5, 1_000.5)
}

function fileInPlace(folder: string): void {
  rmSync(join(folder, "soft"))
  writeFileSync(join(folder, "soft"), "sub/a.txt")
}

for (const [name, change, expected] of changes) {
  test(`compareTrees() finds ${name}`, (t) => {
    const [left, right] = twoTrees(t)
    change(right)
    assert.equal(describeDifferences(compareTrees(left, right, { root: true })), expected)
  })
}

test("compareTrees() ignores the folder's own time on request", (t) => {
  const [left, right] = twoTrees(t)
  utimesSync(right, 7, 7)
  assert.deepEqual(compareTrees(left, right, { root: false }), [])
})
