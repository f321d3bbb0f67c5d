import * as assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { after, test } from "node:test"
import { collect, isFailure, named, pattern, storeContract } from "../../testing/store-contract.ts"
import { createLocalRoot, localStore } from "./local-store.ts"

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-local-store-"))
after(() => fs.rmSync(scratch, { recursive: true }))
let rootCount = 0
const newRoot = (): string => fs.mkdtempSync(path.join(scratch, `root-${rootCount++}-`))

storeContract("localStore()", () => ({ store: localStore(newRoot()) }))

test("localStore() creates files 0600 and folders 0700, and leaves no temporary file", async () => {
  const root = newRoot()
  await localStore(root).put(named("packs/ab/one"), pattern(100_000))
  assert.deepEqual(fs.readdirSync(path.join(root, "packs/ab")), ["one"])
  assert.equal(fs.statSync(path.join(root, "packs/ab/one")).mode & 0o777, 0o600)
  assert.equal(fs.statSync(path.join(root, "packs")).mode & 0o777, 0o700)
  assert.equal(fs.statSync(path.join(root, "packs/ab")).mode & 0o777, 0o700)
})

test("localStore() lists no leftovers and no foreign files", async () => {
  const root = newRoot()
  const store = localStore(root)
  await store.put(named("keys/a"), pattern(5))
  for (const name of [".holdfast-tmp-1-2", ".DS_Store", "Thumbs.db", "a~"]) {
    fs.writeFileSync(path.join(root, "keys", name), "x")
  }
  fs.mkdirSync(path.join(root, "lost+found"))
  fs.writeFileSync(path.join(root, "lost+found", "a"), "x")
  fs.symlinkSync("nowhere", path.join(root, "keys", "dangling"))
  assert.deepEqual(await collect(store, ""), [{ name: "keys/a", sizeBytes: 5 }])
})

test("localStore() removes leftovers older than a day, and no others", async () => {
  const root = newRoot()
  await localStore(root).put(named("keys/a"), pattern(5))
  const old = path.join(root, "keys", ".holdfast-tmp-1-old")
  const young = path.join(root, "keys", ".holdfast-tmp-1-young")
  for (const file of [old, young]) fs.writeFileSync(file, "x")
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400
  fs.utimesSync(old, twoDaysAgo, twoDaysAgo)
  await localStore(root).put(named("keys/b"), pattern(5))
  assert.deepEqual([fs.existsSync(old), fs.existsSync(young)], [false, true])
})

test("localStore() follows a link to a folder on another disk", async () => {
  const [root, elsewhere] = [newRoot(), newRoot()]
  fs.symlinkSync(elsewhere, path.join(root, "packs"))
  const store = localStore(root)
  await store.put(named("packs/ab/one"), pattern(5))
  assert.deepEqual(await collect(store, ""), [{ name: "packs/ab/one", sizeBytes: 5 }])
})

test("localStore() reports no-store for a missing root, in every method, and never creates it", async () => {
  const root = path.join(scratch, "unmounted")
  const store = localStore(root)
  const noStore = isFailure("not-found", "no-store")
  await assert.rejects(store.put(named("packs/ab/one"), pattern(5)), noStore)
  await assert.rejects(store.put(named("one"), pattern(5)), noStore)
  await assert.rejects(store.get(named("packs/ab/one")), noStore)
  await assert.rejects(store.remove(named("packs/ab/one")), noStore)
  await assert.rejects(collect(store, "log/"), noStore)
  assert.ok(!fs.existsSync(root))
  await createLocalRoot(root)
  await store.put(named("packs/ab/one"), pattern(5))
})

test("localStore() recreates a folder that somebody removed", async () => {
  const root = newRoot()
  const store = localStore(root)
  await store.put(named("packs/ab/one"), pattern(5))
  fs.rmSync(path.join(root, "packs"), { recursive: true })
  await store.put(named("packs/ab/one"), pattern(5))
  assert.equal((await collect(store, "")).length, 1)
})

test("localStore() lists a prefix and reads only the folders below it", async () => {
  const root = newRoot()
  const store = localStore(root)
  await store.put(named("log/a/1"), pattern(5))
  await store.put(named("packs/ab/one"), pattern(5))
  // Access times aren't available on every mount, so make the other folder unreadable.
  fs.rmSync(path.join(root, "packs"), { recursive: true })
  fs.symlinkSync("packs", path.join(root, "packs"))
  assert.deepEqual(
    (await collect(store, "log/")).map(({ name }) => name),
    ["log/a/1"],
  )
})

test("localStore() fails cleanly if a file replaces a folder", async () => {
  const root = newRoot()
  fs.writeFileSync(path.join(root, "packs"), "x")
  const store = localStore(root)
  await assert.rejects(store.put(named("packs/ab/one"), pattern(5)), isFailure("invalid", "not-a-folder"))
  await assert.rejects(store.get(named("packs/ab/one")), isFailure("invalid", "not-a-folder"))
  await assert.rejects(createLocalRoot(path.join(root, "packs")), isFailure("invalid", "not-a-folder"))
})

test("localStore() neither waits for nor reads a FIFO, a device or a socket in place of an object", async (t) => {
  const root = newRoot()
  const store = localStore(root)
  await store.put(named("keys/a"), pattern(5))
  execFileSync("mkfifo", [path.join(root, "keys/fifo")])
  fs.symlinkSync("/dev/zero", path.join(root, "keys/device"))
  fs.mkdirSync(path.join(root, "keys/folder"))
  const server = net.createServer().listen(path.join(root, "keys/socket"))
  t.after(() => server.close())
  await once(server, "listening")
  for (const name of ["keys/fifo", "keys/device", "keys/folder", "keys/socket"].map(named)) {
    const isRefused = isFailure("corrupt", "not-a-file")
    await assert.rejects(store.get(name), isRefused, name)
    await assert.rejects(store.get(name, { offset: 0, length: 1 }), isRefused, name)
    await assert.rejects(store.put(name, pattern(5)), isRefused, name)
  }
  assert.deepEqual(
    (await collect(store, "")).map(({ name }) => name),
    ["keys/a", "keys/device", "keys/fifo", "keys/socket"],
  )
})

test("localStore() lends an object's file, whether it exists or not, and none outside", async () => {
  const store = localStore(newRoot())
  await store.put(named("packs/ab/one"), pattern(500))
  assert.deepEqual(
    new Uint8Array(fs.readFileSync(store.lend?.(named("packs/ab/one"), 500) ?? "")),
    pattern(500),
  )
  assert.equal(fs.existsSync(store.lend?.(named("packs/ab/two"), 1) ?? ""), false)
  assert.throws(() => store.lend?.(named("../outside"), 1))
})
