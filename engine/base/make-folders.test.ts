import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { makeFolders } from "./make-folders.ts"

const mkdir = (folder: string): void => fs.mkdirSync(folder)

test("makeFolders() creates what is missing, and returns the outermost", (t) => {
  const root = fs.mkdtempSync(join(tmpdir(), "holdfast-"))
  t.after(() => fs.rmSync(root, { recursive: true }))
  assert.equal(makeFolders(join(root, "a/b/c"), mkdir), join(root, "a"))
  assert.ok(fs.statSync(join(root, "a/b/c")).isDirectory())
  assert.equal(makeFolders(join(root, "a/b/d"), mkdir), join(root, "a/b/d"))
  assert.equal(makeFolders(join(root, "a/b"), mkdir), undefined)
  assert.equal(makeFolders("/", mkdir), undefined)
})

test("makeFolders() reports what is in the way", (t) => {
  const root = fs.mkdtempSync(join(tmpdir(), "holdfast-"))
  t.after(() => fs.rmSync(root, { recursive: true }))
  fs.writeFileSync(join(root, "file"), "")
  assert.throws(() => makeFolders(join(root, "file/below"), mkdir), { code: "ENOTDIR" })
})

test("makeFolders() ends if the system creates no folder and reports a missing parent", () => {
  // Node's recursive mkdir never returns there
  assert.throws(() => makeFolders("/proc/no such folder/below", mkdir))
})
