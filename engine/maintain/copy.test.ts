import assert from "node:assert/strict"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { test, type TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { isEngineError } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { check, type Repository, scrub, snapshots } from "../index.ts"
import { localStore } from "../store/folder/local-store.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { meteredStore } from "../store/wrappers/metered-store.ts"
import type { Store } from "../store/store.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { faultAt, faultyStore, StoreCrash } from "../testing/faulty-store.ts"
import { look } from "../session/look.ts"
import { publish } from "../session/publish.ts"
import { emptyDraft } from "../testing/shared-place.ts"
import { copy, promote } from "./copy.ts"

interface Mirror {
  readonly place: BackupPlace
  readonly folder: string
  readonly mirrored: Map<ObjectName, Bytes>
  readonly to: Store
}

async function mirror(t: TestContext): Promise<Mirror> {
  const place = await backupPlace(t)
  const folder = path.join(place.folder, "source")
  mkdirSync(folder)
  for (let i = 0; i < 30; i++) writeFileSync(path.join(folder, `${i}`), `content ${i}`.repeat(i * 50))
  await save(place.repository, folder)
  const mirrored = new Map<ObjectName, Bytes>()
  return { place, folder, mirrored, to: memoryStore(mirrored) }
}

function withCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isEngineError(error), String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}

/** Returns the names without the mirror's marks. */
function ours(objects: ReadonlyMap<ObjectName, Bytes>): string[] {
  const all = [...objects].filter(([name]) => !name.startsWith("log/mirror/"))
  return all.map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString("hex")}`).sort()
}

let restored = 0

/** Restores the newest snapshot from the mirror on a new machine. */
async function restoreFrom(place: BackupPlace, store: Store, folder: string): Promise<Repository> {
  const empty = await place.open(place.newHome(), store, false)
  const newest = (await snapshots(empty)).at(-1)
  const target = path.join(place.folder, `restored-${restored++}`)
  assert.deepEqual((await restoreTo(empty, newest?.id ?? "", target)).errors, [])
  assertPicture(target, pictureOf(folder))
  return empty
}

test("copy() makes the same objects, sends only new ones the next time, and an empty machine reads the copy", async (t) => {
  const { place, folder, mirrored, to } = await mirror(t)
  const first = await copy(place.repository, { to })
  assert.deepEqual([first.errors, first.present.objects], [[], 0])
  assert.deepEqual(ours(mirrored), ours(place.objects))
  assert.equal(first.copied.objects, place.objects.size)
  await restoreFrom(place, to, folder)

  writeFileSync(path.join(folder, "new"), "more")
  await save(place.repository, folder)
  const second = await copy(place.repository, { to })
  assert.deepEqual([second.copied.objects, second.present.objects], [2, first.copied.objects])
  assert.deepEqual(ours(mirrored), ours(place.objects))
  const empty = await restoreFrom(place, to, folder)
  assert.deepEqual((await check(empty, { readData: true })).errors, [])
  const metered = meteredStore(to)
  const third = await copy(place.repository, { to: metered })
  assert.equal(third.copied.objects, 0)
  assert.deepEqual(metered.traffic().requests, { put: 0, get: 1, head: 0, list: 1, delete: 0 })
})

test("copy() with dryRun writes nothing and counts the same", async (t) => {
  const { place, mirrored, to } = await mirror(t)
  const planned = await copy(place.repository, { to, dryRun: true })
  assert.equal(mirrored.size, 0)
  const done = await copy(place.repository, { to })
  assert.deepEqual(planned.copied, done.copied)
})

test("copy() stopped at any call leaves nothing or a whole older repository, and continues", async (t) => {
  const { place, folder, mirrored, to } = await mirror(t)
  const other = await place.open(place.newHome())
  await look(other)
  /** Entries of two chains that refer to each other. */
  for (let round = 0; round < 3; round++) {
    for (const writer of [place.repository, other]) {
      await look(writer)
      await publish(writer, emptyDraft("empty", { timeNs: 1n }))
    }
  }
  const sizes: number[] = []
  for (let k = 0; ; k++) {
    assert.ok(k < 200, "it ends")
    const dying = faultyStore(to, faultAt(k, "crash-before", "put"))
    try {
      await copy(place.repository, { to: dying })
      break
    } catch (error) {
      assert.ok(error instanceof StoreCrash, String(error))
    }
    sizes.push(mirrored.size)
    if (!mirrored.has("repository" as ObjectName)) {
      await assert.rejects(place.open(place.newHome(), to, false), withCode("no-repository"))
    }
    if (k % 4 === 0) mirrored.clear()
  }
  assert.ok(sizes.length > 5)
  assert.deepEqual(ours(mirrored), ours(place.objects))

  // The mirror is a repository now: from here on it must always be whole.
  for (let round = 0; round < 2; round++) {
    for (const writer of [other, place.repository]) {
      await look(writer)
      writeFileSync(path.join(folder, `late ${round}`), `${round}`)
      if (writer === place.repository) await save(writer, folder)
      else await publish(writer, emptyDraft("empty", { timeNs: 1n }))
    }
  }
  const before = new Map(mirrored)
  for (let k = 0; ; k++) {
    mirrored.clear()
    for (const [name, bytes] of before) mirrored.set(name, bytes)
    const dying = faultyStore(to, faultAt(k, "crash-before", "put"))
    const done = await copy(place.repository, { to: dying }).then(
      () => true,
      () => false,
    )
    const empty = await place.open(place.newHome(), to, false)
    assert.deepEqual((await look(empty)).problems, [], `stopped at put ${k}`)
    if (done) break
  }
  assert.deepEqual(ours(mirrored), ours(place.objects))
})

test("copy() skips and reports what is damaged in the source, and copies it after a repair", async (t) => {
  const { place, mirrored, to } = await mirror(t)
  const pack = [...place.objects.keys()].find((name) => name.startsWith("packs/")) as ObjectName
  const good = place.objects.get(pack) as Bytes
  place.objects.set(
    pack,
    good.map((byte, i) => (i === 90 ? byte ^ 1 : byte)),
  )
  const first = await copy(place.repository, { to })
  assert.deepEqual(
    first.errors.map(({ object }) => object),
    [pack],
  )
  assert.equal(mirrored.has(pack), false)
  place.objects.set(pack, good)
  assert.deepEqual((await copy(place.repository, { to })).copied, { objects: 1, bytes: good.length })
  // An object of another size in the mirror is damaged, and replaced.
  mirrored.set(pack, good.slice(0, 100))
  assert.equal((await copy(place.repository, { to })).copied.objects, 1)
  assert.deepEqual(ours(mirrored), ours(place.objects))
})

test("copy() takes a damaged log entry from this home, and ends the log if nobody has it", async (t) => {
  const { place, folder, mirrored, to } = await mirror(t)
  const entry = [...place.objects.keys()].find((name) => /^log\/[0-9a-f]{32}\//.test(name)) as ObjectName
  const good = place.objects.get(entry) as Bytes
  place.objects.set(
    entry,
    good.map((byte, i) => (i === 90 ? byte ^ 1 : byte)),
  )
  const stranger = await place.open(place.newHome(), place.store(), false)
  const told = await copy(stranger, { to })
  assert.ok(told.errors.some(({ object }) => object === entry))
  assert.equal(mirrored.has("repository" as ObjectName), false, "no mirror without its log")
  assert.deepEqual((await copy(place.repository, { to })).errors, [])
  assert.deepEqual(Buffer.from(mirrored.get(entry) ?? []), Buffer.from(good))
  place.objects.set(entry, good)
  await restoreFrom(place, to, folder)
})

test("promote() makes a read-only mirror writable, and no longer a place to copy to", async (t) => {
  const { place, folder, mirrored, to } = await mirror(t)
  await assert.rejects(promote(to), withCode("not-a-mirror"))
  await copy(place.repository, { to })
  const names = [...mirrored.keys()]
  const known = await place.open(place.home, to)
  await assert.rejects(save(known, folder, { forceSnapshot: true }), withCode("mirror"))
  await assert.rejects(place.open(place.newHome(), to), withCode("mirror"))
  assert.deepEqual([...mirrored.keys()], names, "nothing was written")
  await restoreFrom(place, to, folder)

  await promote(to, { clock: place.clock, dryRun: true })
  assert.deepEqual([...mirrored.keys()], names, "a dry run promotes nothing")
  await promote(to, { clock: place.clock })
  await assert.rejects(promote(to), withCode("not-a-mirror"))
  const now = await place.open(place.home, to)
  assert.notEqual((await save(now, folder, { forceSnapshot: true })).snapshotId, null)
  const stranger = await place.open(place.newHome(), place.store(), false)
  await assert.rejects(copy(stranger, { to }), withCode("not-a-mirror"))
  // And back: the old place is outdated now.
  await assert.rejects(look(place.repository), withCode("chain-rolled-back"))
})

test("copy() refuses a place with another repository, or with objects that its source lacks", async (t) => {
  const { place, to } = await mirror(t)
  const other = await mirror(t)
  await assert.rejects(copy(place.repository, { to: other.place.store() }), withCode("not-a-mirror"))
  await assert.rejects(copy(place.repository, { to: place.store() }), withCode("not-a-mirror"))
  await copy(place.repository, { to })
  await assert.rejects(copy(other.place.repository, { to }), withCode("not-a-mirror"))
  const older = new Map(place.objects)
  writeFileSync(path.join(place.folder, "source", "new"), "more")
  await save(place.repository, path.join(place.folder, "source"))
  await copy(place.repository, { to })
  place.objects.clear()
  for (const [name, bytes] of older) place.objects.set(name, bytes)
  const trusting = await place.open(place.newHome(), place.store(), false)
  await assert.rejects(copy(trusting, { to }), withCode("mirror-diverged"))
  await assert.rejects(copy(place.repository, { to }), withCode("chain-rolled-back"))
})

test("promote() refuses a mirror whose first copy didn't finish", async (t) => {
  const { place, mirrored, to } = await mirror(t)
  await copy(place.repository, { to })
  mirrored.delete("repository" as ObjectName)
  await assert.rejects(promote(to), withCode("no-repository"))
  await assert.rejects(promote(to, { dryRun: true }), withCode("no-repository"))
})

test("copy() refuses a place with other files, and creates no folder there", async (t) => {
  const { place, mirrored, to } = await mirror(t)
  mirrored.set("photos/1.jpg" as ObjectName, new Uint8Array([1]) as Bytes)
  for (const dryRun of [true, false])
    await assert.rejects(copy(place.repository, { to, dryRun }), withCode("not-a-mirror"))
  assert.equal(mirrored.size, 1)
  for (const stranger of ["thesis.odt", "packs/notes.txt"]) {
    const folder = path.join(place.folder, `photos ${path.basename(stranger)}`)
    mkdirSync(path.dirname(path.join(folder, stranger)), { recursive: true })
    writeFileSync(path.join(folder, stranger), "mine")
    for (const dryRun of [true, false])
      await assert.rejects(
        copy(place.repository, { to: localStore(folder), dryRun }),
        withCode("not-a-mirror"),
      )
    assert.deepEqual(readdirSync(folder), [stranger.split("/")[0]])
  }
  const litter = path.join(place.folder, "disk")
  mkdirSync(path.join(litter, "lost+found"), { recursive: true })
  writeFileSync(path.join(litter, ".DS_Store"), "")
  assert.deepEqual((await copy(place.repository, { to: localStore(litter) })).errors, [])
  assert.equal((await copy(place.repository, { to: localStore(litter) })).copied.objects, 0, "a mirror")
})

test("copy() refuses the home and the inside of any repository, also with dryRun, and reports where no folder can be created", async (t) => {
  const { repository, folder, home } = await backupPlace(t, { local: true })
  const other = await backupPlace(t, { local: true })
  writeFileSync(path.join(folder, "file"), "")
  const refused: [string, string][] = [
    [path.join(home.identityRoot, "mirror"), "own-place"],
    [path.join(repository.location, "mirror"), "own-place"],
    [path.join(other.repository.location, "packs/mirror"), "own-place"],
    [repository.location, "not-a-mirror"],
  ]
  for (const [place, code] of refused) {
    for (const dryRun of [true, false])
      await assert.rejects(copy(repository, { to: localStore(place), dryRun }), withCode(code), place)
    assert.equal(place === repository.location || !existsSync(place), true)
  }
  const below = localStore(path.join(folder, "file/mirror"))
  for (const dryRun of [true, false]) await assert.rejects(copy(repository, { to: below, dryRun }))
  const absent = path.join(folder, "a/b/mirror")
  const planned = await copy(repository, { to: localStore(absent), dryRun: true })
  assert.equal(existsSync(path.join(folder, "a")), false)
  assert.deepEqual((await copy(repository, { to: localStore(absent) })).copied, planned.copied)
})

test("scrub() detects every flipped bit, truncated object and lost repository object, without a key", async (t) => {
  const { place } = await mirror(t)
  const store = place.store()
  const clean = await scrub(store)
  assert.deepEqual([clean.errors, clean.foreign, clean.objects], [[], 0, place.objects.size])
  for (const [name, good] of Array.from(place.objects)) {
    const damaged = good.slice()
    damaged[good.length >>> 1] = (damaged[good.length >>> 1] as number) ^ 4
    for (const bytes of [damaged, good.slice(0, -1)]) {
      place.objects.set(name, bytes)
      const { errors } = await scrub(store)
      // The object `repository` has no digest in its name, so only its content can be checked.
      if (name !== "repository")
        assert.deepEqual(
          errors.map(({ object }) => object),
          [name],
        )
    }
    place.objects.set(name, good)
  }
  place.objects.delete("repository" as ObjectName)
  assert.deepEqual(
    (await scrub(store)).errors.map(({ object }) => object),
    ["repository"],
  )
})
