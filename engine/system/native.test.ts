import assert from "node:assert/strict"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { test } from "node:test"
import fc from "fast-check"
import type { Koffi } from "./native-readers.ts"
import type { Native } from "./native-calls.ts"
import { META, NEW, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { bindNative, openNative } from "./native.ts"
import { isFailure, joinDeviceNumber, lstat, splitDeviceNumber } from "./stat.ts"
import { makeSpecial } from "../target/target-links.ts"

const folder = targetFolder()

function native(): Native {
  const opened = openNative()
  assert.ok(opened !== undefined, "the optional package koffi is installed where tests run")
  return opened
}

test("setTimes() sets every nanosecond, also before 1970", () => {
  folder.open()
  const descriptor = fs.openSync(join(folder.root, "f"), "w")
  const started = BigInt(Date.now() - 1_000) * 1_000_000n
  // the range of ext4 with 256-byte inodes: 1901 to 2446
  const time = fc.bigInt({ min: -2_147_483_647_000_000_000n, max: 15_032_385_534_999_999_999n })
  fc.assert(
    fc.property(time, (mtimeNs) => {
      assert.equal(native().setTimes(descriptor, mtimeNs), undefined)
      const stat = fs.fstatSync(descriptor, { bigint: true })
      assert.equal(stat.mtimeNs, mtimeNs)
      assert.ok(stat.atimeNs > started)
    }),
  )
  fs.closeSync(descriptor)
  assert.equal(native().setTimes(descriptor, 0n), "EBADF")
  assert.equal(native().setTimesAt(join(folder.root, "none"), 0n), "ENOENT")
})

test("statAt() and statOf() agree with lstat, for every type and any name", () => {
  folder.open()
  const at = (name: string): string => join(folder.root, name)
  fs.writeFileSync(at("file"), "some bytes")
  fs.linkSync(at("file"), at("second name"))
  fs.chmodSync(at("file"), 0o4751)
  fs.truncateSync(at("file"), 5_000_000_000)
  fs.mkdirSync(at("folder"))
  fs.utimesSync(at("folder"), new Date(-86_400_123), new Date(-86_400_123))
  fs.symlinkSync("nowhere", at("link"))
  fs.writeFileSync(Buffer.from(at("caf\xe9"), "latin1"), "")
  native().makeNode(at("fifo"), 0o10600, 0n)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) native().makeNode(at("device"), 0o20600, joinDeviceNumber({ major: 300, minor: 70_000 }))
  const handle = fs.openSync(folder.root, fs.constants.O_RDONLY)
  try {
    const names = fs.readdirSync(folder.root, "latin1")
    assert.equal(names.length, isRoot ? 7 : 6)
    for (const name of names)
      assert.deepEqual(native().statAt(handle, raw(name)), lstat(`${folder.root}/${name}`), name)
    assert.deepEqual(native().statAt(handle, raw("none")), { error: "ENOENT" })
    assert.deepEqual(native().statAt(-1, raw("none")), { error: "EBADF" })
    assert.deepEqual(native().statOf(handle), lstat(folder.root))
    assert.deepEqual(native().statOf(-1), { error: "EBADF" })
    // another file system in between
    const proc = fs.openSync("/proc", fs.constants.O_RDONLY)
    const other = native().statAt(proc, raw("version"))
    fs.closeSync(proc)
    assert.ok(!isFailure(other) && other.device === fs.lstatSync("/proc/version", { bigint: true }).dev)
    assert.deepEqual(native().statAt(handle, raw("file")), lstat(at("file")))
  } finally {
    fs.closeSync(handle)
  }
})

test("openAt(), makeFolderAt() and renameAt() work relative to the open folder, and return the system's code", () => {
  folder.open()
  fs.mkdirSync(join(folder.root, "first"))
  const handle = fs.openSync(join(folder.root, "first"), fs.constants.O_RDONLY)
  fs.renameSync(join(folder.root, "first"), join(folder.root, "moved"))
  const { O_CREAT, O_EXCL, O_RDWR } = fs.constants
  try {
    const made = native().openAt(handle, raw("\xff"), O_RDWR | O_CREAT | O_EXCL, 0o640)
    assert.ok(typeof made === "number")
    assert.equal(fs.fstatSync(made).mode & 0o777, 0o640 & ~process.umask())
    // FD_CLOEXEC: no child process inherits it
    assert.match(fs.readFileSync(`/proc/self/fdinfo/${made}`, "utf8"), /^flags:\s+02[0-7]{6}$/m)
    fs.closeSync(made)
    assert.equal(native().openAt(handle, raw("\xff"), O_RDWR | O_CREAT | O_EXCL, 0o640), "EEXIST")
    assert.equal(native().makeFolderAt(handle, raw("in"), 0o700), undefined)
    assert.equal(native().makeFolderAt(handle, raw("in"), 0o700), "EEXIST")
    assert.equal(native().renameAt(handle, raw("\xff"), raw("plain")), undefined)
    assert.equal(native().renameAt(handle, raw("\xff"), raw("plain")), "ENOENT")
    assert.deepEqual(folder.names("moved"), ["in", "plain"])
    assert.equal(native().openAt(-1, raw("plain"), O_RDWR, 0), "EBADF")
  } finally {
    fs.closeSync(handle)
  }
})

test("renameNew() accepts raw names and never replaces", () => {
  folder.open()
  const [a, b] = [`${folder.root}/\xff`, `${folder.root}/b`]
  fs.writeFileSync(Buffer.from(a, "latin1"), "a")
  fs.writeFileSync(b, "b")
  assert.equal(native().renameNew(a, b), "EEXIST")
  assert.equal(native().renameNew(b, `${folder.root}/c\xfe`), undefined)
  assert.equal(native().renameNew(a, b), undefined)
  assert.deepEqual(folder.names(), ["b", "c\xfe"])
  assert.equal(folder.text("b"), "a")
})

test("extended attributes are read as they were set, with any bytes, and only user's are set", () => {
  const xattrs = [
    { name: raw("user.caf\xe9"), value: new Uint8Array([0, 1, 255]) },
    { name: raw("user.empty"), value: new Uint8Array(0) },
    { name: raw("user.long"), value: new Uint8Array(2000).fill(7) },
  ]
  const target = folder.open()
  assert.equal(target.xattrsAvailable, true)
  const foreign = { name: raw("trusted.x"), value: new Uint8Array([1]) }
  put(target, "f", "x", { xattrs: [...xattrs, foreign] })
  target.ensureFolder(raw("d"), { replace: false })
  target.finishFolder(raw("d"), { ...META, mode: 0o700, xattrs })
  target.placeSymlink(raw("l"), raw("f"), { ...META, xattrs }, NEW)
  const source = openDiskSource(folder.root, native)
  assert.deepEqual(
    [source.xattrs(raw("f")), source.xattrs(raw("d")), source.xattrs(raw("l"))],
    [xattrs, xattrs, []],
  )
  assert.deepEqual(source.xattrs(raw("none")), { error: "ENOENT" })
  assert.deepEqual(openDiskSource(folder.root).xattrs(raw("f")), [])
})

test("device numbers are split and joined like in the kernel", () => {
  assert.deepEqual(splitDeviceNumber(0x103n), { major: 1, minor: 3 })
  const part = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(
    fc.property(part, part, (major, minor) => {
      assert.deepEqual(splitDeviceNumber(joinDeviceNumber({ major, minor })), { major, minor })
    }),
  )
  const stat = lstat("/dev/null")
  assert.ok(!isFailure(stat))
  assert.equal(joinDeviceNumber({ major: 1, minor: 3 }), stat.rdev)
})

test("giveBackFrom() returns large memory to the system when freed, however often it was freed before", () => {
  const rssMiB = (): number => process.memoryUsage.rss() / 2 ** 20
  const take = (): ArrayBuffer[] =>
    Array.from({ length: 8 }, () => new Uint8Array(8 * 1024 * 1024).fill(1).buffer)
  assert.equal(native().giveBackFrom(4 * 1024 * 1024), true)
  const before = rssMiB()
  for (let round = 0; round < 3; round++) {
    const taken = take()
    assert.ok(rssMiB() > before + 56)
    for (const buffer of taken) buffer.transfer(0)
    assert.ok(rssMiB() < before + 16, `${rssMiB()} MiB after ${before}`)
  }
})

/** Returns koffi with a C library that lacks some functions. */
function without(...symbols: string[]): Native {
  const koffi = createRequire(import.meta.url)(`@koromix/koffi-linux-${process.arch}`) as Koffi
  return bindNative({
    errno: () => koffi.errno(),
    load(library) {
      const loaded = koffi.load(library)
      const func = (prototype: string): ReturnType<typeof loaded.func> => {
        if (symbols.some((symbol) => prototype.includes(` ${symbol}(`))) throw new Error("no such symbol")
        return loaded.func(prototype)
      }
      return { func }
    },
  })
}

const SYMBOLS = [
  "futimens",
  "utimensat",
  "openat",
  "close",
  "mkdirat",
  "renameat",
  "renameat2",
  "mknod",
  "posix_fadvise",
  "syncfs",
  "setxattr",
  "removexattr",
  "llistxattr",
  "statx",
]

for (const symbol of SYMBOLS) {
  test(`bindNative() without ${symbol} provides everything else`, async () => {
    folder.open()
    const calls = without(symbol)
    const at = (name: string): string => join(folder.root, name)
    const handle = fs.openSync(folder.root, fs.constants.O_RDONLY)
    fs.writeFileSync(at("f"), "content")
    const file = calls.openAt(handle, raw("f"), fs.constants.O_RDONLY, 0)
    assert.ok(typeof file === "number")
    assert.deepEqual(calls.statOf(file), lstat(at("f")))
    assert.deepEqual(calls.statAt(handle, raw("f")), lstat(at("f")))
    const attribute = { name: raw("user.a"), value: new Uint8Array([1]) }
    const isSet = calls.setAttribute(at("f"), attribute)
    assert.equal(isSet, symbol === "setxattr" ? "ENOSYS" : undefined)
    const isRead = symbol !== "llistxattr" && isSet === undefined
    assert.deepEqual([...(calls.attributesOf(file) as [])], isRead ? [attribute] : [])
    assert.equal(calls.readsAttributes, symbol !== "llistxattr")
    assert.equal(
      calls.removeAttribute(at("f"), raw("user.a")),
      symbol === "removexattr" ? "ENOSYS" : isSet === undefined ? undefined : "ENODATA",
    )
    assert.equal(calls.setTimes(file, 1_000_000_000_000_000_000n), undefined)
    assert.equal(lstatTime(at("f")), 1_000_000_000_000_000_000n)
    assert.equal(calls.setTimesAt(at("f"), 2_000_000_000_000_000_000n), undefined)
    assert.equal(lstatTime(at("f")), 2_000_000_000_000_000_000n)
    calls.readAhead(file, 0, 7)
    assert.equal(calls.close(file), undefined)
    assert.equal(calls.makeFolderAt(handle, raw("d"), 0o700), undefined)
    assert.equal(calls.renameAt(handle, raw("d"), raw("e")), undefined)
    assert.equal(calls.renameNew(at("e"), at("g")), symbol === "renameat2" ? "ENOSYS" : undefined)
    assert.equal(calls.makeNode(at("fifo"), 0o10600, 0n), symbol === "mknod" ? "ENOSYS" : undefined)
    assert.equal(await calls.syncFileSystem(handle), symbol === "syncfs" ? "ENOSYS" : undefined)
    makeSpecial(at("fifo-2"), { type: "fifo", major: 0, minor: 0 }, calls)
    assert.ok(fs.lstatSync(at("fifo-2")).isFIFO())
    fs.closeSync(handle)
  })
}

function lstatTime(path: string): bigint {
  const stat = lstat(path)
  return isFailure(stat) ? -1n : stat.mtimeNs
}
