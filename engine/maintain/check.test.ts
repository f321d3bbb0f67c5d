import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { differences, pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { comparePaths } from "../base/paths.ts"
import { parseName } from "../format/names.ts"
import { check, openRepository, type CheckResult, type Repository } from "../index.ts"
import { readOnlyStore } from "../testing/read-only-store.ts"
import { restoreTo } from "../testing/backup-place.ts"
import { smallRepository, withObjects, type SmallRepository } from "../testing/small-repository.ts"

const KEY = { kind: "key" as const, bytes: new Uint8Array(32).fill(7) }

/** Opens it without enrolling, and checks. */
async function checkWithSecret(place: SmallRepository, readData = false): Promise<CheckResult> {
  const store = readOnlyStore(place.store())
  const repository = await openRepository({ store, home: place.newHome(), secret: KEY, clock: place.clock })
  try {
    return await check(repository, { readData })
  } finally {
    repository.close()
  }
}

function objectsOf({ errors }: CheckResult): string[] {
  return errors.map(({ object }) => object)
}

test("check() reports no errors in a good repository, makes few requests, and writes nothing", async (t) => {
  const place = await smallRepository(t)
  const before = place.repository.requests()
  const found = await check(place.repository)
  const after = place.repository.requests()
  assert.deepEqual([found.errors, found.notes], [[], []])
  const packs = [...place.objects.keys()].filter((name) => name.startsWith("packs/")).length
  assert.deepEqual(
    [found.snapshots, found.packs, found.unreferenced.packs, found.packsRead],
    [3, packs, 0, 0],
  )
  assert.equal(after.list - before.list, 1)
  assert.equal(after.put - before.put, 0)
  assert.ok(
    after.get - before.get <= place.objects.size + 8,
    `${after.get - before.get} GETs for ${place.objects.size} objects`,
  )

  const read = await check(place.second, { readData: true })
  assert.deepEqual([read.errors, read.notes, read.packsRead], [[], [], packs])
  const some = await check(place.second, { readData: true, subset: { share: 0.01 } })
  assert.deepEqual([some.errors, some.packsRead], [[], 1])
})

test("check() works from an empty home with a secret, on a read-only store", async (t) => {
  const place = await smallRepository(t)
  const found = await checkWithSecret(place, true)
  assert.deepEqual([found.errors, found.notes, found.snapshots], [[], [], 3])
})

test("check() names every single removed object, and the affected snapshots", async (t) => {
  const place = await smallRepository(t)
  const newest = place.saved.at(-1)?.id as Digest
  const kinds = new Set<string | undefined>()
  for (const name of Array.from(place.objects.keys())) {
    const kind = parseName(name)?.type
    kinds.add(kind)
    // The second device has seen everything.
    const found = await withObjects(
      place.objects,
      new Map([[name, undefined]]),
      async () => await check(place.second),
    )
    assert.ok(objectsOf(found).includes(name), `${name} was removed; found ${JSON.stringify(found.errors)}`)
    const hit = found.errors.find(({ object }) => object === name)?.snapshots ?? []
    if (kind === "pack") assert.notDeepEqual(hit, [], name)
    if (name.includes(newest)) assert.deepEqual(hit, [newest])
  }
  assert.deepEqual((await check(place.second)).errors, [])
  assert.deepEqual(kinds, new Set(["entry", "keyslot", "pack", "repository", "segment", "trust"]))
})

test("check() from an empty home names what was removed, except a chain's last entries that nobody else has seen", async (t) => {
  const place = await smallRepository(t)
  const last = place.saved.at(-1)?.id as string
  for (const name of Array.from(place.objects.keys())) {
    await withObjects(place.objects, new Map([[name, undefined]]), async () => {
      try {
        const found = await checkWithSecret(place)
        assert.equal(
          objectsOf(found).includes(name),
          !name.includes(last),
          `${name}: ${JSON.stringify(found.errors)}`,
        )
      } catch (error) {
        // Without these the repository doesn't open, and the error says so.
        assert.ok(isEngineError(error), String(error))
        assert.match(name, /^(repository$|keys\/)/)
        assert.ok(error.code === "no-repository" || error.message.startsWith(name), error.message)
      }
    })
  }
})

/** Yields each object damaged in some way. */
function* damages(
  objects: ReadonlyMap<ObjectName, Bytes>,
  seed: string,
): Generator<{ what: string; names: ObjectName[]; changes: Map<ObjectName, Bytes> }> {
  const random = seededRandom(seed)
  const all = [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [i, [name, bytes]] of all.entries()) {
    const cut = bytes.slice(0, random.below(bytes.length))
    yield { what: `${name} cut to ${cut.length}`, names: [name], changes: new Map([[name, cut]]) }
    const flipped = bytes.slice()
    const bit = random.below(bytes.length * 8)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield { what: `${name} with bit ${bit} flipped`, names: [name], changes: new Map([[name, flipped]]) }
    const [otherName, otherBytes] = all[(i + 1) % all.length] as (typeof all)[number]
    const swapped = new Map([
      [name, otherBytes],
      [otherName, bytes],
    ])
    yield { what: `${name} and ${otherName} swapped`, names: [name, otherName], changes: swapped }
  }
}

test("check() with data names every truncated, flipped or swapped object, and control objects even without data", async (t) => {
  const place = await smallRepository(t)
  for (const { what, names, changes } of damages(place.objects, "damage for check")) {
    // Without data if that is enough.
    const readData = names.some((name) => name.startsWith("packs/"))
    const found = await withObjects(
      place.objects,
      changes,
      async () => await check(place.second, { readData }),
    )
    for (const name of names)
      assert.ok(objectsOf(found).includes(name), `${what}: ${JSON.stringify(found.errors)}`)
  }
  assert.deepEqual((await check(place.second, { readData: true })).errors, [], "after all was put back")
})

test("check() names both of any two swapped objects, also from an empty home", async (t) => {
  const place = await smallRepository(t)
  const all = [...place.objects].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [i, [one, oneBytes]] of all.entries()) {
    for (const [two, twoBytes] of all.slice(i + 1)) {
      const swapped = new Map([
        [one, twoBytes],
        [two, oneBytes],
      ])
      await withObjects(place.objects, swapped, async () => {
        // Damage of an unlisted pack or segment is found only with data.
        const readData = /packs\/|index\//.test(`${one} ${two}`)
        const known = objectsOf(await check(place.second, { readData }))
        assert.ok(known.includes(one) && known.includes(two), `${one} and ${two}: ${known.join(" ")}`)
        try {
          const found = objectsOf(await checkWithSecret(place, readData))
          assert.ok(
            found.includes(one) && found.includes(two),
            `empty: ${one} and ${two}: ${found.join(" ")}`,
          )
        } catch (error) {
          // Without these the repository doesn't open, and the error says so.
          assert.ok(isEngineError(error), String(error))
          assert.match(`${one} ${two}`, /\brepository\b|\bkeys\/|^log\/trust\S+ log\/trust/)
          assert.match(error.message, /^(repository|keys\/|log\/trust)/)
        }
      })
    }
  }
})

/** Everything restored is right, and everything else is listed. Returns the missing paths. */
async function restoreDamaged(
  repository: Repository,
  place: SmallRepository,
  what: string,
): Promise<string[]> {
  const saved = place.saved[1] ?? assert.fail()
  const target = path.join(place.folder, "damaged")
  const { errors } = await restoreTo(repository, saved.id, target)
  const failed = new Set<string>(errors.map(({ path: each }) => each))
  const lost = errors.filter(({ message }) => message.startsWith("the listing"))
  const missing: string[] = []
  for (const { path: at, left, right } of differences(saved.picture, pictureOf(target))) {
    // If the listing is lost, folders' modes and hard links are unknown.
    const isLost = lost.some(({ path: from }) => comparePaths(from, at) <= 0)
    if (lost.length > 0 && right?.startsWith("directory") === true) continue
    if (lost.length > 0 && right !== undefined && right.split(", is ")[0] === left?.split(", is ")[0])
      continue
    assert.equal(right, undefined, `${what}: ${at} stands there and is wrong: ${right}`)
    assert.ok(failed.has(at) || isLost, `${what}: ${at} is missing and not listed`)
    missing.push(at)
  }
  fs.rmSync(target, { recursive: true, force: true })
  return missing
}

test("restore() of a damaged repository is right or reports what is missing, and restores everything else", async (t) => {
  const place = await smallRepository(t)
  const all = place.saved[1]?.picture.size ?? 0
  for (const { what, changes } of damages(place.objects, "damage for restore")) {
    await withObjects(place.objects, changes, async () => {
      const found = await check(place.repository, { readData: true })
      // This device remembers the entries that it has seen, and needs only their packs.
      const inPacks = found.errors.filter(({ object }) => object.startsWith("packs/"))
      const hit = inPacks.some(({ snapshots }) => snapshots.includes(place.saved[1]?.id as Digest))
      const missing = await restoreDamaged(place.repository, place, what)
      assert.equal(
        missing.length > 0,
        hit,
        `${what}: ${missing.length} of ${all} are missing; ${JSON.stringify(found.errors)}`,
      )
    })
  }
})
