import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, test } from "node:test"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { openDiskSource } from "./disk-source.ts"
import { openNative } from "../system/native.ts"
import { openOwners } from "../system/owners.ts"
import { resolveRoots } from "./roots.ts"
import { type Source } from "./source.ts"
import { isFailure, type Stat } from "../system/stat.ts"

const raw = (text: string): RawPath => text as RawPath

let folder = ""
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "holdfast-source-"))
})
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

function placeOf(source: Source, path: string): string {
  const place = source.place(raw(path))
  assert.ok(!isFailure(place))
  return place
}

function statOf(path: string): Stat {
  const stat = openDiskSource(folder).stat(raw(path))
  assert.ok(!isFailure(stat))
  return stat
}

test("list() keeps names that are not UTF-8, byte for byte and in byte order", () => {
  const names = ["a", "\xff\xfe", "caf\xe9", "b\n", "Z", "\x01", "a b", "\xc3\xa9"]
  for (const name of names) fs.writeFileSync(fsPath(`${folder}/${name}`), name, "latin1")
  const source = openDiskSource(folder)
  assert.deepEqual(source.list(raw("")), [...names].sort())
  for (const name of names) {
    assert.equal(fs.readFileSync(fsPath(placeOf(source, name)), "latin1"), name)
    assert.equal(statOf(name).size, name.length)
  }
})

test("stat() returns nanoseconds, permission bits, links and inode numbers", () => {
  const file = join(folder, "f")
  fs.writeFileSync(file, "12345")
  fs.chmodSync(file, 0o4751)
  fs.linkSync(file, join(folder, "g"))
  const { mtimeNs, ctimeNs, ino, dev, blocks } = fs.lstatSync(file, { bigint: true })
  const inode = { mtimeNs, ctimeNs, inode: ino, device: dev, blocks: Number(blocks) }
  assert.deepEqual(statOf("f"), {
    ...inode,
    type: "file",
    mode: 0o4751,
    size: 5,
    links: 2,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    rdev: 0n,
  })
  assert.equal(statOf("g").inode, ino)
})

test("stat() returns every type and follows no link", async () => {
  fs.mkdirSync(join(folder, "directory"))
  fs.writeFileSync(join(folder, "file"), "")
  fs.symlinkSync("/nowhere\n", join(folder, "symlink"))
  execFileSync("mkfifo", [join(folder, "fifo")])
  const server = createServer().listen(join(folder, "socket"))
  await new Promise((resolve) => server.once("listening", resolve))
  for (const type of ["directory", "file", "symlink", "fifo", "socket"]) assert.equal(statOf(type).type, type)
  server.close()
  assert.equal(openDiskSource(folder).readLink(raw("symlink")), "/nowhere\n")
  const devices = openDiskSource("/dev").stat(raw("null"))
  assert.ok(!isFailure(devices))
  assert.equal(devices.type, "character-device")
  assert.equal(devices.rdev, 0x103n)
})

test("openDiskSource() returns errors as values with the system's code", () => {
  const source = openDiskSource(folder)
  fs.writeFileSync(join(folder, "file"), "")
  assert.deepEqual(source.list(raw("none")), { error: "ENOENT" })
  assert.deepEqual(source.list(raw("file")), { error: "ENOTDIR" })
  assert.deepEqual(source.stat(raw("none")), { error: "ENOENT" })
  assert.deepEqual(source.stat(raw("n".repeat(300))), { error: "ENAMETOOLONG" })
  assert.deepEqual(source.readLink(raw("file")), { error: "EINVAL" })
})

test("openDiskSource() of / has no doubled slash", () => {
  assert.equal(fs.realpathSync(placeOf(openDiskSource("/"), "etc")), "/etc")
  assert.equal(fs.realpathSync(placeOf(openDiskSource("/"), "")), "/")
})

test("openOwners() reads names, keeps the first of a number, and works without files", () => {
  fs.writeFileSync(
    join(folder, "passwd"),
    "root:x:0:0::/:\ntoor:x:0:0::/:\nbroken\n#:x:y\nzoë:x:1000:5::/:\n",
  )
  fs.writeFileSync(join(folder, "group"), "wheel:x:0:\n")
  const owners = openOwners(folder)
  assert.deepEqual(
    [0, 1000, 7].map((uid) => owners.userName(uid)),
    ["root", "zoë", ""],
  )
  assert.deepEqual(
    [0, 7].map((gid) => owners.groupName(gid)),
    ["wheel", ""],
  )
  assert.equal(openOwners(join(folder, "none")).userName(0), "")
})

test("statAll() agrees with stat() in a large walk, and leaves the rest to it", () => {
  fs.mkdirSync(join(folder, "deep", "er"), { recursive: true })
  const names = Array.from({ length: 20 }, (_, i) => raw(`${i}-caf\xe9`))
  for (const name of names) fs.writeFileSync(fsPath(`${folder}/deep/er/${name}`), name)
  fs.symlinkSync("nowhere", join(folder, "deep", "er", "link"))
  const asked = [...names, raw("link"), raw("gone")]
  const source = openDiskSource(folder, openNative)
  assert.equal(source.statAll?.(raw("deep/er"), asked), undefined) // too few look-ups so far
  for (let i = 0; i < 100; i++) source.statAll?.(raw("deep/er"), asked)
  assert.deepEqual(
    source.statAll?.(raw("deep/er"), asked),
    asked.map((name) => source.stat(raw(`deep/er/${name}`))),
  )
  assert.equal(source.statAll?.(raw("deep/none"), asked), undefined)
  // of a folder that was chosen in part, and under another name
  const paths = [`${folder}/deep/er/${names[0]}`, `new=${folder}/deep/er/${names[1]}`].map(raw)
  const chosen = openDiskSource(resolveRoots({ paths, cwd: "/" }), openNative)
  for (let i = 0; i < 200; i++) assert.equal(chosen.statAll?.(raw(""), asked), undefined)
  assert.ok(source.statAll?.(raw(""), asked))
})
