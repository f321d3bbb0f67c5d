/** Attacks on a restore by a hostile listing, or by somebody who changes the disk during it. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { Worker } from "node:worker_threads"
import type { RawPath } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { code, META, NEW, OVER, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { checkPath } from "./safe-path.ts"
import type { Target } from "./target.ts"
import { temporaryName } from "../system/temporary-name.ts"

const folder = targetFolder()

/** Returns everything beside the target: names, types, contents, modes, times and link counts. */
function outside(): string {
  const seen: string[] = []
  const visit = (path: string): void => {
    for (const name of fs.readdirSync(join(folder.base, path)).sort()) {
      const at = path === "" ? name : `${path}/${name}`
      if (at === "target") continue
      const stat = fs.lstatSync(join(folder.base, at), { bigint: true })
      const content = stat.isFile() ? fs.readFileSync(join(folder.base, at), "utf8") : ""
      seen.push([at, stat.mode, stat.mtimeNs, stat.nlink, stat.uid, content].join(" "))
      if (stat.isDirectory()) visit(at)
    }
  }
  visit("")
  return seen.join("\n")
}

const EVIL: readonly string[] = [
  ".. . ../x a/../../x a/./b a//b /etc/x a/ / a/.. \0 a\0b \u0100 a/\u2028".split(" "),
  [temporaryName(), `a/${temporaryName()}`],
].flat()

/** Every call that takes a path. */
const CALLS: Readonly<Record<string, (target: Target, path: RawPath) => unknown>> = {
  look: (target, path) => target.look(path),
  list: (target, path) => target.list(path),
  readLink: (target, path) => target.readLink(path),
  openExisting: (target, path) => target.openExisting(path),
  ensureFolder: (target, path) => target.ensureFolder(path, { replace: true }),
  finishFolder: (target, path) => target.finishFolder(path, META),
  beginFile: (target, path) => target.beginFile(path, 1, false),
  placeSymlink: (target, path) => target.placeSymlink(path, raw("x"), META, OVER),
  placeHardLink: (target, path) => target.placeHardLink(path, linked(target, "f"), OVER),
  placeHardLinkTo: (target, path) => target.placeHardLink(raw("new"), linked(target, path), OVER),
  placeFifo: (target, path) => target.placeFifo(path, META, OVER),
  placeDevice: (target, path) =>
    target.placeDevice(path, { type: "block-device", major: 1, minor: 1 }, META, OVER),
  updateMetadata: (target, path) => target.updateMetadata(path, META),
  removeExtra: (target, path) => target.removeExtra(path),
  removeLeftovers: (target, path) => target.removeLeftovers(path),
}

function linked(target: Target, path: string): Parameters<Target["placeHardLink"]>[1] {
  const { inode, device } = target.look(raw("f")) ?? { inode: 0n, device: 0n }
  return { path: raw(path), identity: { inode, device } }
}

test("every call of a target refuses every evil path, and changes nothing", () => {
  const target = folder.open({ devices: true })
  put(target, "f", "x")
  fs.writeFileSync(join(folder.base, "x"), "outside")
  const before = outside()
  for (const [name, call] of Object.entries(CALLS)) {
    for (const path of EVIL)
      assert.throws(() => call(target, raw(path)), code("unsafe-path"), `${name} ${path}`)
  }
  assert.deepEqual(folder.names(), ["f"])
  assert.equal(outside(), before)
})

test("checkPath() accepts paths that only look evil, unless they must be portable", () => {
  const odd = [
    "...",
    "..a",
    "a..",
    "C:\\x",
    "CON",
    "nul.txt",
    "a ",
    "a.",
    "x:ads",
    "COM\xc2\xb9",
    "-rf",
    "\x1b[2J",
  ]
  for (const path of odd) checkPath(raw(path), false)
  for (const path of odd.filter((one) => !["..a", "-rf"].includes(one))) {
    assert.throws(() => checkPath(raw(`a/${path}/b`), true), code("unsafe-path"), path)
  }
  for (const path of ["", "a/b", "..a", "-rf", "console", "com10", "\xc3\xa9"]) checkPath(raw(path), true)
})

test("checkPath() escapes terminal control characters", () => {
  assert.throws(
    () => checkPath(raw("\x1b[2J/.."), false),
    (error) => isEngineError(error) && error.message.startsWith(String.raw`\x1b[2J/..: `),
  )
})

test("a symlink that the listing itself places leads no later entry outside", () => {
  const target = folder.open()
  fs.mkdirSync(join(folder.base, "victim"))
  const before = outside()
  target.placeSymlink(raw("a"), raw("../victim"), META, NEW)
  assert.throws(() => put(target, "a/f", "evil"), code("in-the-way"))
  assert.throws(() => target.ensureFolder(raw("a/b"), { replace: false }), code("in-the-way"))
  assert.throws(() => target.finishFolder(raw("a"), META), code("in-the-way"))
  assert.throws(() => target.removeExtra(raw("a/f")), code("in-the-way"))
  assert.equal(outside(), before)
})

test("names that the file system treats as one are reported, not overwritten", () => {
  // A case-insensitive file system isn't available here. What matters is that an existing name is
  // never replaced.
  const target = folder.open()
  put(target, "Readme", "first")
  for (const native of [true, false]) {
    const other = folder.open({ native })
    assert.throws(() => put(other, "Readme", "second"), code("exists"))
  }
  assert.equal(folder.text("Readme"), "first")
  assert.deepEqual(folder.names(), ["Readme"])
})

/**
 * A thread that repeatedly makes `a` a folder, a link to the victim and nothing, and puts links and
 * hard links to the victim's file under the names being placed.
 */
const ATTACKER = `
const fs = require("node:fs")
const { workerData, parentPort } = require("node:worker_threads")
const { root, victim, stop } = workerData
const flag = new Int32Array(stop)
const quietly = (call) => { try { call() } catch {} }
let swaps = 0
for (let i = 0; Atomics.load(flag, 0) === 0; i++) {
  quietly(() => fs.renameSync(root + "/a", root + "/h" + i))
  quietly(() => { fs.symlinkSync(victim, root + "/a"); swaps++ })
  quietly(() => fs.symlinkSync(victim + "/f", root + "/b/f" + (i % 8)))
  quietly(() => fs.linkSync(victim + "/f", root + "/b/g" + (i % 8)))
  quietly(() => fs.unlinkSync(root + "/a"))
  quietly(() => fs.renameSync(root + "/h" + i, root + "/a"))
  quietly(() => { for (const n of fs.readdirSync(root + "/b")) if (n.startsWith(".holdfast")) { fs.unlinkSync(root + "/b/" + n); fs.symlinkSync(victim + "/f", root + "/b/" + n) } })
  if (i === 0) parentPort.postMessage("ready")
}
parentPort.postMessage(swaps)
`

test("nothing outside changes while another thread swaps folders and names, 200 rounds", async () => {
  const target = folder.open()
  const victim = join(folder.base, "victim")
  fs.mkdirSync(join(victim, "sub"), { recursive: true })
  fs.writeFileSync(join(victim, "f"), "outside", { mode: 0o600 })
  for (const path of ["a", "b"]) target.ensureFolder(raw(path), { replace: true })
  const before = outside()
  const stop = new SharedArrayBuffer(4)
  const workerData = { root: folder.root, victim, stop }
  const attacker = new Worker(ATTACKER, { eval: true, workerData })
  await new Promise((resolve) => attacker.once("message", resolve))
  const swaps = new Promise<number>((resolve) => attacker.once("message", resolve))
  let placed = 0
  for (let round = 0; round < 200; round++) placed += attackedRound(folder.open(), round)
  Atomics.store(new Int32Array(stop), 0, 1)
  assert.ok((await swaps) > 50, "the attacker was at work")
  await attacker.terminate()
  for (const name of folder.names("b").filter((one) => one.startsWith("g")))
    fs.unlinkSync(`${folder.root}/b/${name}`)
  assert.equal(outside(), before)
  assert.ok(placed > 0, "something was placed all the same")
})

/** Uses a new target each time, so every folder is reopened. Returns the number of successful calls. */
function attackedRound(target: Target, round: number): number {
  const n = round % 8
  const calls: (() => unknown)[] = [
    () => target.ensureFolder(raw("a/sub"), { replace: round % 2 === 0, isNew: round % 3 === 0 }),
    () => put(target, `a/f${n}`, "evil", { placing: OVER }),
    () => put(target, "a/sub/x", "evil", { placing: OVER }),
    () => put(target, `b/f${n}`, "evil", { mode: 0o777, placing: OVER }),
    () => put(target, `b/g${n}`, "evil", { mode: 0o777, placing: OVER }),
    () => target.placeSymlink(raw("a/f"), raw("evil"), META, OVER),
    () => target.placeFifo(raw("b/p"), META, OVER),
    () => target.updateMetadata(raw(`b/g${(n + 1) % 8}`), { ...META, mode: 0o777 }),
    () => target.updateMetadata(raw(`b/f${(n + 1) % 8}`), { ...META, mode: 0o777 }),
    () => target.finishFolder(raw("a"), { ...META, mode: 0o755 }),
    () => target.removeExtra(raw("a/f")),
    () => target.removeExtra(raw("a/sub")),
    () => target.removeLeftovers(raw("b")),
  ]
  let placed = 0
  for (const call of calls) {
    try {
      call()
      placed++
    } catch (error) {
      if (!isEngineError(error)) throw error
    }
  }
  target.close()
  return placed
}
