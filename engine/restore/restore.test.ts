import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setTimeout } from "node:timers/promises"
import { bytesOf, hasNative, setAttribute, setMtime } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree } from "../../fixtures/trees.ts"
import type { RawPath } from "../base/ids.ts"
import {
  findSnapshot,
  restore,
  type Overwrite,
  type RestoreEvent,
  type RestoreRequest,
  type RestoreResult,
} from "../index.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import {
  assertPicture,
  backupPlace,
  names,
  restoreTo,
  save,
  type BackupPlace,
} from "../testing/backup-place.ts"
import { faultyStore } from "../testing/faulty-store.ts"

const MiB = 1024 * 1024
const PAST = 1_700_000_000_000_000_001n

interface SavedPlace extends BackupPlace {
  readonly source: string
  readonly target: string
  readonly id: string
  readonly restore: (changes?: Partial<RestoreRequest>) => Promise<RestoreResult>
}

/** Makes a source and saves it. The target does not exist yet. */
async function savedPlace(t: TestContext, make: (source: string) => void): Promise<SavedPlace> {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  const target = join(place.folder, "target")
  fs.mkdirSync(source)
  make(source)
  const { at, errors } = await save(place.repository, source)
  assert.deepEqual(errors, [])
  const run: SavedPlace["restore"] = (changes) => restoreTo(place.repository, at, target, changes)
  return { ...place, source, target, id: at, restore: run }
}

function file(path: string, content: string | Buffer, mtimeNs: bigint = PAST): void {
  fs.mkdirSync(join(path, ".."), { recursive: true })
  fs.writeFileSync(path, content)
  setMtime(path, mtimeNs)
}

function noise(bytes: number, seed = "noise"): Buffer {
  return seededRandom(seed).bytes(bytes)
}

/** Inode and change time, which show that a file was touched. */
function stamps(root: string): string[] {
  return [...pictureOf(root)].flatMap(([path, line]) => {
    if (!line.startsWith("file")) return []
    const { ino, ctimeNs } = fs.lstatSync(bytesOf(`${root}/${path}`), { bigint: true })
    return [`${path} ${ino} ${ctimeNs}`]
  })
}

test("restore() makes a new target equal to the snapshot, including its own mode and times", async (t) => {
  const make = (source: string): void => {
    writeRandomTree(source, seededRandom("restore"), { entries: 80, fileBytesMax: 60_000, special: true })
  }
  const { source, target, restore } = await savedPlace(t, make)
  const result = await restore({ verify: true, sync: "end" })
  assert.deepEqual(result.errors, [])
  assertPicture(target, pictureOf(source))
  const { dirs, filesRestored } = result
  assert.equal(dirs + filesRestored, pictureOf(source).size)
})

test("restore() over an equal target changes no file and fetches no content", async (t) => {
  const make = (source: string): void => {
    writeRandomTree(source, seededRandom("equal"), { entries: 60, fileBytesMax: 60_000 })
    file(join(source, "setuid"), "a program")
    fs.chmodSync(join(source, "setuid"), 0o4755)
    setMtime(join(source, "setuid"), PAST)
  }
  for (const setuid of [true, false]) {
    const { target, restore } = await savedPlace(t, make)
    const first = await restore({ setuid })
    const before = stamps(target)
    const again = await restore({ setuid })
    assert.deepEqual(stamps(target), before)
    assert.equal(again.filesRestored, 0)
    assert.equal(again.bytesRestored, 0)
    assert.ok(
      again.requests.bytesDown < first.requests.bytesDown / 2,
      `${again.requests.bytesDown} bytes fetched`,
    )
  }
})

test("restore() rebuilds a differing file from its own chunks, and fetches only the others", async (t) => {
  const { source, target, restore } = await savedPlace(t, (root) =>
    file(join(root, "large"), noise(24 * MiB)),
  )
  const first = await restore()
  const before = fs.statSync(join(target, "large")).ino
  const damage = fs.openSync(join(target, "large"), "r+")
  fs.writeSync(damage, "a few other bytes", 11 * MiB)
  fs.closeSync(damage)
  const again = await restore({ verify: true })
  assert.deepEqual(again.errors, [])
  assertPicture(target, pictureOf(source))
  assert.notEqual(fs.statSync(join(target, "large")).ino, before, "it was made anew beside the old one")
  const fetched = again.requests.bytesDown
  assert.ok(fetched < 1.3 * MiB, `${fetched} bytes fetched, ${first.requests.bytesDown} for all`)
  fs.truncateSync(join(target, "large"), 20 * MiB)
  const third = await restore()
  assertPicture(target, pictureOf(source))
  assert.ok(third.requests.bytesDown < 6 * MiB)
})

test("restore() corrects a mode, a time or attributes without fetching content", async (t) => {
  const { source, target, restore } = await savedPlace(t, (root) => {
    for (const name of ["mode", "time", "attribute", "none"]) file(join(root, name), noise(300_000, name))
    setAttribute(join(root, "attribute"), "user.x", new Uint8Array([1]))
    setAttribute(root, "user.folder", new Uint8Array([1]))
  })
  await restore()
  fs.chmodSync(join(target, "mode"), 0o600)
  setMtime(join(target, "time"), PAST + 5n)
  setAttribute(join(target, "attribute"), "user.x", new Uint8Array([2]))
  setAttribute(join(target, "none"), "user.y", new Uint8Array([3]))
  setAttribute(target, "user.other", new Uint8Array([3]))
  const { requests, errors } = await restore()
  assert.deepEqual(errors, [])
  assertPicture(target, pictureOf(source))
  assert.ok(requests.bytesDown < 60_000, `${requests.bytesDown} bytes`)
})

test("restore() leaves or replaces what stands there as `overwrite` says", async (t) => {
  const { source, target, restore } = await savedPlace(t, (root) => {
    for (const name of ["equal", "older", "newer", "same-stamp", "missing"])
      file(join(root, name), `the snapshot's ${name}`)
  })
  const expected: Record<Overwrite, string[]> = {
    always: ["equal", "missing", "newer", "older", "same-stamp"],
    "if-changed": ["equal", "missing", "newer", "older"],
    "if-newer": ["equal", "missing", "older"],
    never: ["equal", "missing"],
  }
  for (const [overwrite, replaced] of Object.entries(expected) as [Overwrite, string[]][]) {
    fs.rmSync(target, { recursive: true, force: true })
    file(join(target, "equal"), "the snapshot's equal")
    file(join(target, "older"), "something else", PAST - 1n)
    file(join(target, "newer"), "something else", PAST + 1n)
    file(join(target, "same-stamp"), "the snapshot's same-stamq")
    file(join(target, "extra"), "not in the snapshot")
    assert.deepEqual((await restore({ overwrite })).errors, [], overwrite)
    const right = names(source).filter((name) =>
      fs.readFileSync(join(target, name)).equals(fs.readFileSync(join(source, name))),
    )
    assert.deepEqual(right, replaced, overwrite)
    assert.ok(fs.existsSync(join(target, "extra")))
  }
})

test("restore() makes no hard link to a file that it hasn't placed", async (t) => {
  const { source, target, restore } = await savedPlace(t, (root) => {
    file(join(root, "a"), "the snapshot's content")
    fs.linkSync(join(root, "a"), join(root, "b"))
    fs.linkSync(join(root, "a"), join(root, "c"))
  })
  for (const request of [{ overwrite: "never" as const }, { exclude: ["/a"] as RawPath[] }]) {
    fs.rmSync(target, { recursive: true, force: true })
    file(join(target, "a"), "what stands there")
    await restore(request)
    assert.equal(fs.readFileSync(join(target, "a"), "utf8"), "what stands there")
    for (const name of ["b", "c"]) {
      assert.equal(fs.readFileSync(join(target, name), "utf8"), fs.readFileSync(join(source, name), "utf8"))
    }
  }
  const inode = (name: string): number => fs.statSync(join(target, name)).ino
  assert.equal(inode("b"), inode("c"), "links among those that were asked for stay links")
  await restore()
  assertPicture(target, pictureOf(source))
})

test("restore() applies include and exclude, and creates no needless folder", async (t) => {
  const { target, restore } = await savedPlace(t, (root) => {
    for (const name of ["a/one.txt", "a/two.md", "b/deep/three.txt", "b/four.log", "c/five.md"])
      file(join(root, name), name)
  })
  const cases: readonly (readonly [Partial<RestoreRequest>, string[]])[] = [
    [{ include: ["*.txt"] as RawPath[] }, ["a", "a/one.txt", "b", "b/deep", "b/deep/three.txt"]],
    [{ include: ["/b"] as RawPath[] }, ["b", "b/deep", "b/deep/three.txt", "b/four.log"]],
    [{ exclude: ["a", "*.md"] as RawPath[] }, ["b", "b/deep", "b/deep/three.txt", "b/four.log", "c"]],
    [{ include: ["b"] as RawPath[], exclude: ["*.log"] as RawPath[] }, ["b", "b/deep", "b/deep/three.txt"]],
    [{ within: "b" as RawPath }, ["deep", "deep/three.txt", "four.log"]],
    [{ within: "b/four.log" as RawPath }, ["four.log"]],
    [{ within: "b" as RawPath, exclude: ["deep"] as RawPath[] }, ["four.log"]],
  ]
  for (const [request, expected] of cases) {
    fs.rmSync(target, { recursive: true, force: true })
    assert.deepEqual((await restore(request)).errors, [])
    assert.deepEqual(names(target), expected, JSON.stringify(request))
  }
  await assert.rejects(restore({ within: "nothing" as RawPath }), { code: "no-entry" })
})

test("restore() drops setuid bits and skips special files unless requested", async (t) => {
  const { target, restore } = await savedPlace(t, (root) => {
    writeRandomTree(root, seededRandom("special 2"), { entries: 150, fileBytesMax: 100, special: true })
    file(join(root, "program"), "#!/bin/sh\n")
    fs.chmodSync(join(root, "program"), 0o6755)
  })
  assert.deepEqual((await restore({ setuid: false, special: false })).errors, [])
  const modes = [...pictureOf(target).values()].filter((line) => !line.startsWith("directory"))
  assert.ok(modes.every((line) => !/mode [2467]\d{3}|^fifo|-device/.test(line)))
  assert.equal(fs.statSync(join(target, "program")).mode & 0o7777, 0o755)
  if (!hasNative) return
  await restore()
  assert.ok([...pictureOf(target).values()].some((line) => line.startsWith("fifo")))
})

test("restore() restores holes as holes", async (t) => {
  const { source, target, restore } = await savedPlace(t, (root) => {
    fs.writeFileSync(join(root, "sparse"), "")
    fs.truncateSync(join(root, "sparse"), 64 * MiB)
    const descriptor = fs.openSync(join(root, "sparse"), "r+")
    fs.writeSync(descriptor, "in the middle", 40 * MiB + 77)
    fs.closeSync(descriptor)
    fs.writeFileSync(join(root, "zeros"), Buffer.alloc(MiB))
  })
  await restore()
  assertPicture(target, pictureOf(source))
  assert.ok(fs.statSync(join(target, "sparse")).blocks * 512 < MiB)
  assert.ok(fs.statSync(join(target, "zeros")).blocks * 512 >= MiB, "what had no holes gets none")
})

test("restore() with verify reports a file that reads back differently", async (t) => {
  const { target, repository, id } = await savedPlace(t, (root) => {
    file(join(root, "good"), noise(20_000, "good"))
    file(join(root, "bad"), noise(20_000, "bad"))
  })
  const { restore: run, findSnapshot } = await import("../index.ts")
  const { snapshot } = await findSnapshot(repository, id)
  const damage = (event: RestoreEvent): void => {
    if (event.type === "entry" && event.path === "bad") fs.writeFileSync(join(target, "bad"), "the disk lies")
  }
  const { errors } = await run(repository, { snapshot, target, verify: true, verbose: true }, damage)
  assert.deepEqual(
    errors.map(({ path, kind }) => [path, kind]),
    [["bad", "target"]],
  )
})

test("restore() follows no link in the target", async (t) => {
  const { source, target, folder, restore } = await savedPlace(t, (root) => {
    file(join(root, "sub/file"), "from the snapshot")
    file(join(root, "plain"), "from the snapshot")
  })
  file(join(folder, "outside/file"), "not yours")
  fs.mkdirSync(target)
  fs.symlinkSync(join(folder, "outside"), join(target, "sub"))
  fs.symlinkSync(join(folder, "outside/file"), join(target, "plain"))
  assert.deepEqual((await restore({ delete: true })).errors, [])
  assertPicture(target, pictureOf(source))
  assert.deepEqual(names(join(folder, "outside")), ["file"])
  assert.equal(fs.readFileSync(join(folder, "outside/file"), "utf8"), "not yours")
})

test("restore() reports progress within a long file", async (t) => {
  const place = await savedPlace(t, (source) => file(join(source, "large"), noise(40 * MiB)))
  const slow = place.store((store) =>
    faultyStore(store, ({ name }) =>
      name.startsWith("packs/") ? { delay: () => setTimeout(120) } : undefined,
    ),
  )
  const repository = await place.open(place.home, slow, false)
  const { snapshot } = await findSnapshot(repository, place.id)
  const told: number[] = []
  await restore(repository, { snapshot, target: place.target, sync: "none" }, (event) => {
    if (event.type === "progress" && event.filesDone === 0) told.push(event.bytesDone)
  })
  assert.ok(told.some((bytes) => bytes > 0 && bytes < 40 * MiB))
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  )
  assertPicture(place.target, pictureOf(place.source))
})

alsoAsOrdinaryUser(import.meta.url)
