import assert from "node:assert/strict"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import type { RawPath } from "../base/ids.ts"
import { openSwapPlace, type SwapPlace } from "./swap-place.ts"

const raw = (path: string): RawPath => path as RawPath

function place(t: TestContext): { root: string; swap: SwapPlace } {
  const root = fs.mkdtempSync(join(tmpdir(), "holdfast-swap-"))
  t.after(() => fs.rmSync(root, { recursive: true, force: true }))
  fs.mkdirSync(join(root, "a"))
  fs.writeFileSync(join(root, "a/one"), "one")
  fs.writeFileSync(join(root, "a/two"), "two")
  const swap = openSwapPlace(root)
  t.after(() => swap.close())
  return { root, swap }
}

const code = (name: string) => (error: unknown) =>
  error instanceof Error && "code" in error && error.code === name

test("openSwapPlace() moves only to free names, and replaces files", (t) => {
  const { root, swap } = place(t)
  assert.throws(() => swap.move(raw("a/one"), raw("a/two")), code("exists"))
  swap.ensureFolder(raw("b/c"))
  swap.move(raw("a/one"), raw("b/c/one"))
  swap.replace(raw("a/two"), raw("b/c/one"))
  assert.equal(fs.readFileSync(join(root, "b/c/one"), "utf8"), "two")
  assert.equal(swap.look(raw("a/one")), undefined)
  assert.equal(swap.look(raw("nowhere/x")), undefined)
  assert.equal(swap.removeEmptyFolder(raw("b")), false)
  assert.equal(swap.removeEmptyFolder(raw("a")), true)
})

test("openSwapPlace() gives a file a second name, so it is never without one", (t) => {
  const { root, swap } = place(t)
  assert.equal(swap.link(raw("a/one"), raw("kept")), true)
  assert.equal(fs.statSync(join(root, "kept")).ino, fs.statSync(join(root, "a/one")).ino)
  assert.throws(() => swap.link(raw("a/two"), raw("kept")), code("exists"))
})

test("openSwapPlace() follows no link above a name", (t) => {
  const { root, swap } = place(t)
  const outside = fs.mkdtempSync(join(tmpdir(), "holdfast-outside-"))
  t.after(() => fs.rmSync(outside, { recursive: true, force: true }))
  fs.writeFileSync(join(outside, "x"), "outside")
  fs.symlinkSync(outside, join(root, "link"))
  assert.throws(() => swap.look(raw("link/x")), code("in-the-way"))
  assert.throws(() => swap.move(raw("link/x"), raw("x")), code("in-the-way"))
  assert.throws(() => swap.replace(raw("a/one"), raw("link/x")), code("in-the-way"))
  assert.throws(() => swap.ensureFolder(raw("link/y")), code("in-the-way"))
  assert.equal(swap.look(raw("link"))?.type, "symlink")
  assert.deepEqual(fs.readdirSync(outside), ["x"])
})

test("openSwapPlace() sets a folder's times and mode to the nanosecond, after its entries", async (t) => {
  const { root, swap } = place(t)
  const before = swap.folderMetadata(raw("a"))
  swap.removeTree(raw("a/one"))
  swap.syncFolder(raw("a"))
  await swap.flush()
  swap.finishFolder(raw("a"), { ...before, mode: 0o750 })
  const stat = fs.statSync(join(root, "a"), { bigint: true })
  assert.equal(stat.mtimeNs, before.mtimeNs)
  assert.equal(Number(stat.mode) & 0o777, 0o750)
})
