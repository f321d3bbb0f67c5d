/** The contract of disk targets as tests: the port's promises, for every way of reaching the disk. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { closeDescriptor, readAt, writeAt } from "../target/new-file.ts"
import { isFailure, lstat } from "../system/stat.ts"
import type { TargetOptions } from "../target/target.ts"
import { isTemporaryName, temporaryName } from "../system/temporary-name.ts"
import { code, META, NEW, OVER, put, raw, type TargetFolder } from "./target-fixture.ts"

export function targetContract(name: string, options: TargetOptions, folder: TargetFolder): void {
  test(`a target ${name} places files with content, mode and time`, () => {
    const target = folder.open(options)
    target.ensureFolder(raw("a/b"), { replace: false })
    put(target, "a/b/f", "hello")
    put(target, "empty", "", { mode: 0o400 })
    assert.equal(folder.text("a/b/f"), "hello")
    assert.deepEqual(
      [folder.stat("a/b/f").mode, folder.stat("empty").mode, folder.stat("empty").size],
      [0o640, 0o400, 0],
    )
    folder.assertTime(target, "a/b/f", META.mtimeNs)
    assert.deepEqual([folder.names(), folder.names("a/b")], [["a", "empty"], ["f"]])
    assert.equal(fs.statSync(folder.root).mode & 0o777, 0o700)
  })

  test(`a target ${name} accepts writes in any order`, () => {
    const target = folder.open(options)
    const file = target.beginFile(raw("f"), 10, false)
    writeAt(file, 6, Buffer.from("6789"))
    writeAt(file, 0, Buffer.from("012345"))
    target.finishFile(file, META, NEW)
    assert.equal(folder.text("f"), "0123456789")
  })

  test(`a target ${name} sets exact times, or reports that it doesn't`, () => {
    const target = folder.open(options)
    for (const mtimeNs of [
      0n,
      1n,
      999_999_999n,
      1_700_000_000_123_456_789n,
      -1n,
      -1_500_000_001n,
      4_102_444_800_000_000_001n,
    ]) {
      put(target, "f", "", { mtimeNs, placing: OVER })
      folder.assertTime(target, "f", mtimeNs)
      target.placeSymlink(raw("l"), raw("f"), { ...META, mtimeNs }, OVER)
      folder.assertTime(target, "l", mtimeNs)
      target.ensureFolder(raw("d"), { replace: false })
      target.finishFolder(raw("d"), { ...META, mode: 0o755, mtimeNs })
      folder.assertTime(target, "d", mtimeNs)
      target.finishFolder(raw(""), { ...META, mode: 0o755, mtimeNs })
      folder.assertTime(target, ".", mtimeNs)
    }
  })

  test(`a target ${name} refuses an existing name, and replaces it on request`, () => {
    const target = folder.open(options)
    put(target, "f", "old")
    assert.throws(() => put(target, "f", "new"), code("exists"))
    assert.equal(folder.text("f"), "old")
    put(target, "f", "new", { placing: OVER })
    assert.equal(folder.text("f"), "new")
    assert.throws(() => target.placeSymlink(raw("f"), raw("x"), META, NEW), code("exists"))
    target.placeSymlink(raw("f"), raw("x"), META, OVER)
    assert.equal(target.readLink(raw("f")), "x")
    put(target, "f", "again", { placing: OVER })
    target.ensureFolder(raw("empty"), { replace: false })
    put(target, "empty", "file now", { placing: OVER })
    target.ensureFolder(raw("full/x"), { replace: false })
    assert.throws(() => put(target, "full", "", { placing: OVER }), code("in-the-way"))
    assert.deepEqual(folder.names(), ["empty", "f", "full"])
  })

  test(`a target ${name} never writes into an existing file`, () => {
    const target = folder.open(options)
    const outside = join(folder.base, "outside")
    fs.writeFileSync(outside, "untouched", { mode: 0o600 })
    const before = lstat(outside)
    fs.linkSync(outside, join(folder.root, "f"))
    fs.linkSync(outside, join(folder.root, "g"))
    put(target, "f", "new", { placing: OVER })
    assert.equal(target.updateMetadata(raw("g"), META), undefined)
    target.removeExtra(raw("g"))
    assert.equal(fs.readFileSync(outside, "utf8"), "untouched")
    const after = lstat(outside)
    assert.ok(!isFailure(before) && !isFailure(after))
    assert.deepEqual([after.mode, after.mtimeNs, after.links], [0o600, before.mtimeNs, 1])
  })

  test(`a target ${name} never follows a link in a path`, () => {
    const target = folder.open(options)
    const outside = join(folder.base, "outside")
    fs.mkdirSync(outside)
    fs.writeFileSync(join(outside, "f"), "untouched")
    fs.symlinkSync(outside, join(folder.root, "l"))
    fs.symlinkSync(join(outside, "f"), join(folder.root, "m"))
    assert.throws(() => put(target, "l/f", "evil"), code("in-the-way"))
    assert.throws(() => put(target, "l/new", "evil"), code("in-the-way"))
    assert.throws(() => target.ensureFolder(raw("l/x"), { replace: false }), code("in-the-way"))
    assert.throws(() => target.removeExtra(raw("l/f")), code("in-the-way"))
    assert.equal(target.look(raw("l/f")), undefined)
    assert.deepEqual(target.list(raw("l")), [])
    assert.equal(target.openExisting(raw("m")), undefined)
    assert.equal(target.openExisting(raw("l/f")), undefined)
    target.updateMetadata(raw("m"), { ...META, mode: 0o777 })
    put(target, "m", "inside", { placing: OVER })
    assert.equal(target.removeExtra(raw("l")), 1)
    fs.symlinkSync(outside, join(folder.root, "l"))
    const hopeful = { replace: false, isNew: true }
    assert.throws(() => target.ensureFolder(raw("l"), hopeful), code("in-the-way"))
    assert.throws(() => target.ensureFolder(raw("l/x"), hopeful), code("in-the-way"))
    assert.equal(target.ensureFolder(raw("l"), { replace: true }), "created")
    assert.equal(target.ensureFolder(raw("l/x"), hopeful), "created")
    assert.equal(target.ensureFolder(raw("l/x"), hopeful), "existing")
    target.removeExtra(raw("l/x"))
    put(target, "l/f", "inside")
    assert.deepEqual(fs.readdirSync(outside), ["f"])
    assert.equal(fs.readFileSync(join(outside, "f"), "utf8"), "untouched")
    assert.equal(fs.statSync(join(outside, "f")).mode & 0o777, 0o644)
  })

  test(`a target ${name} replaces a file by a folder only on request`, () => {
    const target = folder.open(options)
    put(target, "f", "")
    assert.throws(() => target.ensureFolder(raw("f/g"), { replace: false }), code("in-the-way"))
    assert.equal(target.ensureFolder(raw("f/g"), { replace: true }), "created")
    assert.equal(target.ensureFolder(raw("f/g"), { replace: true }), "existing")
  })

  test(`a target ${name} links names of one file, and no other file`, () => {
    const target = folder.open(options)
    put(target, "f", "x")
    const identity = target.look(raw("f"))
    assert.ok(identity !== undefined)
    target.placeHardLink(raw("g"), { path: raw("f"), identity }, NEW)
    assert.equal(folder.stat("f").inode, folder.stat("g").inode)
    assert.throws(() => target.placeHardLink(raw("g"), { path: raw("f"), identity }, NEW), code("exists"))
    target.placeHardLink(raw("g"), { path: raw("f"), identity }, OVER)
    put(target, "f", "swapped", { placing: OVER })
    assert.throws(() => target.placeHardLink(raw("h"), { path: raw("f"), identity }, NEW), code("vanished"))
    assert.deepEqual(folder.names(), ["f", "g"])
    assert.equal(folder.text("g"), "x")
  })

  test(`a target ${name} places FIFOs, and device nodes only if opened for them`, () => {
    const target = folder.open(options)
    target.placeFifo(raw("p"), META, NEW)
    assert.deepEqual([folder.stat("p").type, folder.stat("p").mode], ["fifo", 0o640])
    folder.assertTime(target, "p", META.mtimeNs)
    const device = { type: "character-device", major: 1, minor: 3 } as const
    assert.throws(() => target.placeDevice(raw("null"), device, META, NEW), code("device-node"))
    const willing = folder.open({ ...options, devices: true })
    if (process.geteuid?.() === 0) {
      willing.placeDevice(raw("null"), device, META, NEW)
      assert.deepEqual([folder.stat("null").type, folder.stat("null").rdev], ["character-device", 0x103n])
    } else assert.throws(() => willing.placeDevice(raw("null"), device, META, NEW), code("no-right"))
    assert.deepEqual(folder.names().filter(isTemporaryName), [])
  })

  test(`a target ${name} keeps setuid and setgid of its user's own files, and reports where it leaves them out`, () => {
    const mode = 0o6755
    const others = { ...META, mode, uid: 1234, gid: 4321 }
    const isRoot = process.geteuid?.() === 0
    const target = folder.open(options)
    const without = [{ setuid: false }, { owners: false }].map((more) => folder.open({ ...options, ...more }))
    assert.deepEqual(put(target, "own", "", { mode }), [])
    assert.deepEqual(put(target, "others'", "", others), isRoot ? [] : ["setuid"])
    for (const [i, each] of without.entries()) assert.deepEqual(put(each, `${i}`, "", { mode }), ["setuid"])
    assert.deepEqual(
      ["own", "others'", "0", "1"].map((path) => folder.stat(path).mode),
      [mode, isRoot ? mode : 0o755, 0o755, 0o755],
    )
    target.ensureFolder(raw("folder"), { replace: false })
    assert.deepEqual(target.finishFolder(raw("folder"), { ...META, mode: 0o2755 }), [])
    assert.equal(folder.stat("folder").mode, 0o2755)
  })

  test(`a target ${name} changes nothing that is already right, in particular no setuid bits`, () => {
    const mode = 0o6755
    put(folder.open(options), "f", "", { mode })
    for (const more of [{ setuid: false }, { owners: false }, {}]) {
      const target = folder.open({ ...options, ...more })
      const before = folder.stat("f")
      const metadata = { ...META, mode, mtimeNs: before.mtimeNs }
      assert.deepEqual(target.compareMetadata(raw("f"), before, metadata), [])
      assert.deepEqual(target.updateMetadata(raw("f"), metadata), { changed: false, leftOut: [] })
      assert.equal(folder.stat("f").ctimeNs, before.ctimeNs)
      target.updateMetadata(raw("f"), { ...metadata, mtimeNs: before.mtimeNs + 1_000_000_000n })
      assert.equal(folder.stat("f").mode, mode)
    }
  })

  test(`a target ${name} removes extra entries, with everything below, and leftovers`, () => {
    const target = folder.open(options)
    target.ensureFolder(raw("d/e/f"), { replace: false })
    for (const path of ["d/1", "d/e/2", "d/e/f/3", "keep"]) put(target, path, "")
    fs.symlinkSync(folder.base, join(folder.root, "d/e/up"))
    assert.equal(target.removeExtra(raw("d")), 7)
    assert.equal(target.removeExtra(raw("d")), 0)
    assert.equal(target.ensureFolder(raw("d"), { replace: false }), "created")
    for (const path of ["", "d/"]) fs.writeFileSync(`${folder.root}/${path}${temporaryName()}`, "half")
    assert.deepEqual(
      [target.list(raw("")), target.list(raw("d")), target.list(raw("none"))],
      [["d", "keep"], [], []],
    )
    assert.deepEqual([target.removeLeftovers(raw("")), target.removeLeftovers(raw("d"))], [1, 1])
    assert.deepEqual(folder.names(), ["d", "keep"])
    assert.throws(() => target.removeExtra(raw("")), code("unsafe-path"))
  })

  test(`a target ${name} accepts names of any bytes`, () => {
    const target = folder.open(options)
    const all = Array.from({ length: 254 }, (_, i) => String.fromCharCode(i + 1)).filter((one) => one !== "/")
    const wild = [
      ...all.filter((one) => one !== "."),
      "caf\xe9",
      "\xff".repeat(255),
      "a\nb",
      "-rf",
      "C:x",
      "a\\b",
      "...",
    ]
    target.ensureFolder(raw("\xe9\xff/\xfe"), { replace: false })
    for (const one of wild) put(target, `\xe9\xff/\xfe/${one}`, one)
    assert.deepEqual(folder.names("\xe9\xff/\xfe"), [...wild].sort())
    for (const one of wild) assert.equal(folder.text(`\xe9\xff/\xfe/${one}`), one)
    target.placeSymlink(raw("l"), raw("\xff\n"), META, NEW)
    assert.equal(target.readLink(raw("l")), "\xff\n")
    assert.equal(target.removeExtra(raw("\xe9\xff")), wild.length + 2)
  })

  test(`a target ${name} updates metadata in place`, () => {
    const target = folder.open(options)
    put(target, "f", "x")
    target.placeSymlink(raw("l"), raw("f"), META, NEW)
    const { inode } = folder.stat("f")
    for (const path of ["f", "l"]) {
      const change = { ...META, mode: 0o600, mtimeNs: 5n }
      assert.deepEqual(target.updateMetadata(raw(path), change), { changed: true, leftOut: [] })
      folder.assertTime(target, path, 5n)
    }
    assert.deepEqual([folder.stat("f").mode, folder.stat("f").inode], [0o600, inode])
  })

  test(`a target ${name} reads existing files`, () => {
    const target = folder.open(options)
    put(target, "f", "0123456789")
    const found = target.openExisting(raw("f"))
    assert.ok(found !== undefined)
    const into = new Uint8Array(20)
    assert.equal(readAt(found.descriptor, 3, into), 7)
    closeDescriptor(found.descriptor)
    assert.equal(found.stat.size, 10)
    target.placeFifo(raw("p"), META, NEW)
    assert.equal(target.openExisting(raw("p")), undefined)
    assert.equal(target.openExisting(raw("none")), undefined)
    assert.equal(target.look(raw(""))?.type, "directory")
    assert.equal(target.look(raw("f/g")), undefined)
  })

  test(`a target ${name} abandons a file, and syncs each or all`, async () => {
    const target = folder.open(options)
    target.abandonFile(target.beginFile(raw("f"), 5, false))
    assert.deepEqual(folder.names(), [])
    put(target, "f", "x", { placing: { replace: false, sync: true } })
    await target.flush()
    target.close()
    target.close()
  })
}
