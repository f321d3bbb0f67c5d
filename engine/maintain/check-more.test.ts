import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import Sqlite from "better-sqlite3"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { EngineError } from "../base/errors.ts"
import { segmentName } from "../format/names.ts"
import { check, type CheckEvent } from "../index.ts"
import type { Store } from "../store/store.ts"
import { assertPicture, backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { smallRepository } from "../testing/small-repository.ts"
import { checkSubset, drawPacks } from "./read-packs.ts"

const ROT = {
  "rows of a pack are gone": "DELETE FROM packs WHERE id = (SELECT min(id) FROM packs)",
  "rows of frames are gone": "DELETE FROM frames WHERE pack = (SELECT max(id) FROM packs)",
  "frames lie elsewhere": "UPDATE frames SET offset = offset + 16",
  "frames of one pack have other ids":
    "UPDATE frames SET ids = zeroblob(length(ids)) WHERE pack = (SELECT min(id) FROM packs)",
  "the salt of a pack is another":
    "UPDATE packs SET salt = zeroblob(24) WHERE id = (SELECT min(id) FROM packs)",
  "all keys are gone": "DELETE FROM key_runs",
  "entries of the log have other sums": "UPDATE log_entries SET sum = sum + 1",
}

test("check() doesn't report a rotten index as a damaged repository, and repairs the index", async (t) => {
  const place = await smallRepository(t)
  for (const [what, sql] of Object.entries(ROT)) {
    // The packs' own directories also repair rows.
    for (const readData of what.startsWith("rows") ? [false, true] : [false]) {
      const database = new Sqlite(place.repository.home.statePath)
      assert.ok(database.prepare(sql).run().changes > 0, what)
      database.close()
      const repository = await place.open(place.home) // sees the current file
      const found = await check(repository, { readData })
      assert.deepEqual(found.errors, [], `${what}, data ${readData}`)
      repository.close()
      const mended = await place.open(place.home)
      assert.deepEqual(mended.session.warnings, [], `${what}: nothing is left to rebuild`)
      const target = path.join(place.folder, "mended")
      const saved = place.saved[1] ?? assert.fail()
      const result = await restoreTo(mended, saved.id, target)
      assert.deepEqual(result.errors, [], what)
      assertPicture(target, saved.picture, what)
      fs.rmSync(target, { recursive: true })
      mended.close()
    }
  }
})

test("check() reports objects that belong to no snapshot, but not as errors", async (t) => {
  const place = await smallRepository(t)
  const other = await backupPlace(t)
  const source = path.join(place.folder, "other")
  fs.mkdirSync(source)
  fs.writeFileSync(path.join(source, "file"), "of another repository\n")
  await save(other.repository, source)
  const [pack] = [...other.objects].filter(([name]) => name.startsWith("packs/"))
  assert.ok(pack !== undefined)
  const others = [
    pack[0],
    segmentName("0".repeat(64) as Digest),
    "log/what" as ObjectName,
    "readme" as ObjectName,
  ]
  for (const name of others) place.objects.set(name, pack[1])
  const found = await check(place.repository)
  assert.deepEqual(
    [found.errors, found.notes.map(({ object }) => object).toSorted((a, b) => (a < b ? -1 : 1))],
    [[], others.toSorted((a, b) => (a < b ? -1 : 1))],
  )
  assert.deepEqual(found.unreferenced, { packs: 1, bytes: pack[1].length })
  // The pack is sealed with another repository's keys, so it is useless here. The segment is invalid.
  const read = await check(place.repository, { readData: true })
  assert.deepEqual(
    read.errors.map(({ object, snapshots }) => [object, snapshots]),
    [
      [others[1], []],
      [pack[0], []],
    ],
  )
})

test("check() opens many packs in threads, reports progress, and names the damaged one and who needs it", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "source")
  fs.mkdirSync(source)
  fs.writeFileSync(path.join(source, "small"), "in the first snapshot alone\n")
  const first = await save(place.repository, source)
  fs.rmSync(path.join(source, "small"))
  fs.writeFileSync(path.join(source, "large"), seededRandom("for threads").bytes(10_000_000))
  const second = await save(place.repository, source)
  const events: CheckEvent[] = []
  const clean = await check(place.repository, { readData: true }, (event) => events.push(event))
  assert.deepEqual(clean.errors, [])
  const last = events.findLast(({ bytesTotal }) => bytesTotal > 0)
  assert.deepEqual([last?.bytesDone, last?.bytesTotal], [clean.bytes, clean.bytes])
  const [name, bytes] = [...place.objects]
    .filter(([each]) => each.startsWith("packs/"))
    .reduce((a, b) => (b[1].length > a[1].length ? b : a))
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  const found = await check(place.repository, { readData: true })
  assert.deepEqual(
    found.errors.map(({ object, snapshots }) => [object, snapshots]),
    [[name, [second.at]]],
  )
  assert.match(found.errors[0]?.message ?? "", /SHA-256 does not match its name; frame \d+ is damaged/)
  const whole = path.join(place.folder, "whole")
  assert.deepEqual((await restoreTo(place.repository, first.at, whole)).errors, [])
  assert.equal(pictureOf(whole).size, 2)
})

test("check() continues past an object that the disk can't read, and ends if the store is gone", async (t) => {
  const place = await smallRepository(t)
  const failing = (errno: string, wanted: (name: string) => boolean): ((store: Store) => Store) => {
    return (store) => ({
      ...store,
      async get(name, range) {
        if (!wanted(name)) return await store.get(name, range)
        const kind = errno === "" ? "not-found" : "denied"
        throw new EngineError(kind, errno === "" ? "no-store" : "store-unreadable", "said by the test", {
          detail: { errno },
        })
      },
    })
  }
  for (const bad of place.objects.keys()) {
    const unreadable = await place.open(place.home, place.store(failing("EACCES", (name) => name === bad)))
    const { errors } = await check(unreadable, { readData: true })
    const found = errors.find(({ object }) => object === bad)
    assert.match(
      found?.message ?? "",
      /cannot be read: permission denied/,
      `${bad}: ${JSON.stringify(errors)}`,
    )
  }
  const gone = await place.open(place.home, place.store(failing("", () => true)))
  await assert.rejects(check(gone), { kind: "unavailable", code: "store-gone" })
})

test("drawPacks() draws a share or a size, at least one, and none twice", () => {
  const random = { bytes: (length: number) => new Uint8Array(seededRandom(`draw ${length}`).bytes(length)) }
  const packs = new Map(hundredDigests().map((name) => [name, 10]))
  const drawn = drawPacks(packs, { share: 0.2 }, random)
  assert.deepEqual([drawn.length, new Set(drawn).size], [20, 20])
  assert.equal(drawPacks(packs, { share: 0.0001 }, random).length, 1)
  assert.deepEqual(drawPacks(new Map(), { share: 0.5 }, random), [])
  assert.deepEqual(drawPacks(packs, { share: 1 }, random), [...packs.keys()])
  assert.equal(drawPacks(packs, { bytes: 1 }, random).length, 1)
  assert.equal(drawPacks(packs, { bytes: 95 }, random).length, 10)
  assert.deepEqual(drawPacks(packs, { bytes: 1001 }, random), [...packs.keys()])
  assert.deepEqual(drawPacks(new Map(), { bytes: 5 }, random), [])
})

test("drawPacks() of all parts of a whole draws every pack once, and the same ones each time", () => {
  const random = { bytes: (): never => assert.fail("parts are not random") }
  const packs = new Map(hundredDigests().map((name) => [name, 10]))
  for (const of of [1, 5, 7]) {
    const parts = Array.from({ length: of }, (_, i) => drawPacks(packs, { part: i + 1, of }, random))
    assert.deepEqual(parts.flat().toSorted(), [...packs.keys()].toSorted())
    assert.deepEqual(drawPacks(packs, { part: 1, of }, random), parts[0])
    for (const part of parts) assert.ok(part.length >= 100 / of / 3, `${part.length} of ${of}`)
  }
})

test("checkSubset() refuses invalid parts", () => {
  for (const subset of [{ share: 0 }, { share: 1.1 }, { bytes: 0 }, { part: 0, of: 5 }, { part: 6, of: 5 }])
    assert.throws(() => checkSubset(subset), { code: "subset" })
})

function hundredDigests(): Digest[] {
  const random = seededRandom("digests")
  return Array.from({ length: 100 }, () => Buffer.from(random.bytes(32)).toString("hex") as Digest)
}
