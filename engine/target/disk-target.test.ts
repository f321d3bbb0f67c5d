import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import fc from "fast-check"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { targetContract } from "../testing/target-contract.ts"
import { code, META, NEW, OVER, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { openDiskTarget } from "./disk-target.ts"
import { openNative } from "../system/native.ts"
import { writeAt } from "./new-file.ts"

const folder = targetFolder()

targetContract("by handle", {}, folder)
targetContract("by handle, without native calls", { native: false }, folder)
targetContract("by checked paths", { byHandle: false, native: false }, folder)

test("a sparse file keeps its holes and its content", () => {
  const target = folder.open()
  const page = 4096
  const size = 40 * page + 100
  const content = Buffer.alloc(size)
  content.fill("data", 3 * page + 10, 4 * page)
  content[20 * page + 1] = 1
  const file = target.beginFile(raw("s"), size, true)
  // at offsets that aren't page boundaries, like chunks
  for (let at = 0; at < size; at += 7001) writeAt(file, at, content.subarray(at, Math.min(at + 7001, size)))
  target.finishFile(file, META, NEW)
  assert.ok(fs.readFileSync(join(folder.root, "s")).equals(content))
  assert.ok(folder.stat("s").blocks * 512 <= 8 * page, `${folder.stat("s").blocks} blocks`)
})

test("writeAt() of a sparse file writes the same bytes as of another", () => {
  const target = folder.open()
  const piece = fc.record({ zero: fc.boolean(), length: fc.integer({ min: 1, max: 9000 }) })
  const cut = fc.integer({ min: 1, max: 10_000 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), cut, (pieces, step) => {
      const content = Buffer.concat(pieces.map((one) => Buffer.alloc(one.length, one.zero ? 0 : 7)))
      const file = target.beginFile(raw("p"), content.length, true)
      for (let at = 0; at < content.length; at += step) writeAt(file, at, content.subarray(at, at + step))
      target.finishFile(file, META, OVER)
      assert.ok(fs.readFileSync(join(folder.root, "p")).equals(content))
    }),
    { numRuns: 50 },
  )
})

test("a file has its mode and owner whatever the umask, its folder's group and its folder's default ACL", () => {
  const isRoot = process.geteuid?.() === 0
  const target = folder.open()
  target.ensureFolder(raw("group"), { replace: false })
  const parent = join(folder.root, "group")
  if (isRoot) fs.chownSync(parent, 0, 77)
  fs.chmodSync(parent, 0o2777)
  // user::rwx, group::---, mask::---, other::---: the default rights of new files
  const acl = Buffer.from(
    "02000000 0100 0700 ffffffff 0400 0000 ffffffff 1000 0000 ffffffff 2000 0000 ffffffff".replaceAll(
      " ",
      "",
    ),
    "hex",
  )
  target.ensureFolder(raw("acl"), { replace: false })
  openNative()?.setAttribute(join(folder.root, "acl"), {
    name: raw("system.posix_acl_default"),
    value: new Uint8Array(acl),
  })
  fs.writeFileSync(join(folder.root, "acl", "as made"), "")
  assert.equal(folder.stat("acl/as made").mode, 0o600)
  const before = process.umask()
  try {
    for (const umask of [0, 0o077, 0o777]) {
      process.umask(umask)
      for (const parentName of ["group", "acl"]) {
        for (const mode of [0o644, 0o600, 0o777, 0o444, 0]) {
          const path = `${parentName}/${umask}-${mode}`
          put(target, path, "x", { mode })
          const stat = folder.stat(path)
          assert.deepEqual([stat.mode, stat.uid], [mode, META.uid], path)
          if (isRoot) assert.equal(stat.gid, META.gid, path)
        }
      }
    }
  } finally {
    process.umask(before)
  }
})

test("ensureFolder() and removeExtra() work at depths beyond the longest path", () => {
  const target = folder.open()
  const deep = raw(Array.from({ length: 300 }, () => "d".repeat(40)).join("/"))
  assert.equal(target.ensureFolder(deep, { replace: false }), "created")
  put(target, `${deep}/f`, "deep")
  assert.equal(target.look(raw(`${deep}/f`))?.size, 4)
  target.finishFolder(deep, { ...META, mode: 0o500 })
  assert.equal(target.removeExtra(raw("d".repeat(40))), 301)
})

test("a target opened for one user works in folders that it made read-only before", () => {
  fs.mkdirSync(folder.root)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) {
    fs.chmodSync(folder.base, 0o755)
    fs.chownSync(folder.root, 65534, 65534)
    process.setegid?.(65534)
    process.seteuid?.(65534)
  }
  try {
    const mine = { ...META, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    const restore = (mode: number): void => {
      const target = folder.open({ owners: false })
      for (const path of ["r", "r/s"]) target.ensureFolder(raw(path), { replace: false })
      put(target, "r/s/f", "x", { ...mine, placing: OVER })
      for (const path of ["r/s", "r"]) target.finishFolder(raw(path), { ...mine, mode })
      target.close()
    }
    restore(0o500)
    assert.equal(folder.stat("r").mode, 0o500)
    restore(0o000)
    assert.equal(folder.stat("r").mode, 0)
    restore(0o700)
    assert.equal(folder.text("r/s/f"), "x")
    fs.chmodSync(folder.root, 0o500)
    assert.throws(() => put(folder.open(), "new", ""), code("no-right"))
    fs.chmodSync(folder.root, 0o700)
    restore(0o500)
    const target = folder.open()
    target.ensureFolder(raw("r"), { replace: false })
    assert.equal(target.removeExtra(raw("r/s")), 2)
  } finally {
    if (isRoot) {
      process.seteuid?.(0)
      process.setegid?.(0)
    }
  }
})

test("openDiskTarget() reports what is wrong with a target", () => {
  assert.throws(() => openDiskTarget(folder.root), code("no-target"))
  fs.writeFileSync(folder.root, "")
  assert.throws(() => openDiskTarget(folder.root), code("target-not-a-folder"))
  assert.throws(() => openDiskTarget(folder.root, { create: true }), code("target-not-a-folder"))
})

test("a target opened by root sets owners", () => {
  const target = folder.open()
  if (process.geteuid?.() === 0) {
    put(target, "f", "", { uid: 1234, gid: 4321 })
    target.placeSymlink(raw("l"), raw("nowhere"), { ...META, uid: 1, gid: 2 }, NEW)
    assert.deepEqual(
      [folder.stat("f").uid, folder.stat("f").gid, folder.stat("l").uid, folder.stat("l").gid],
      [1234, 4321, 1, 2],
    )
  }
  put(folder.open({ owners: false }), "g", "", { uid: 1234, gid: 4321 })
  assert.equal(folder.stat("g").uid, process.getuid?.())
})

test("a target never blocks on a FIFO with a file's name", () => {
  const target = folder.open()
  execFileSync("mkfifo", [join(folder.root, "f")])
  assert.equal(target.openExisting(raw("f")), undefined)
  put(target, "f", "file", { placing: OVER })
  assert.equal(folder.text("f"), "file")
})

alsoAsOrdinaryUser(import.meta.url)
