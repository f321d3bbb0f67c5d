import assert from "node:assert/strict"
import { test } from "node:test"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { entryName } from "../format/names.ts"
import { readPins } from "../home/pins.ts"
import { publishPacks, putPack } from "../testing/put-packs.ts"
import { publishEmpty, sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { glance } from "./glance.ts"
import { look } from "./look.ts"
import type { Repository } from "./repository.ts"

interface Many {
  readonly place: SharedPlace
  readonly writer: Repository
  readonly chain: ObjectName[]
}

/** A chain of twelve entries with inline packs. */
async function many(place: SharedPlace): Promise<Many> {
  const { repository: writer } = await place.create()
  for (let run = 0; run < 12; run++) await publishPacks(writer, [await putPack(writer, `run ${run}`, 60)])
  return { place, writer, chain: place.names(`log/${writer.session.device?.id}/`) }
}

async function reader({ place }: Many): Promise<Repository> {
  return await place.open(place.home(), { write: false })
}

function flip(bytes: Bytes | undefined): Bytes {
  const damaged = (bytes as Bytes).slice()
  damaged[100] = (damaged[100] as number) ^ 1
  return damaged
}

test("glance() fetches what it needs, pins the heads, and leaves the daily look to look()", async (t) => {
  const all = await many(sharedPlace(t))
  const empty = await reader(all)
  const seen = await glance(empty)
  assert.equal(seen.isWhole, false)
  assert.ok(empty.requests().get <= 3 + 4)
  assert.deepEqual(empty.index.counts(), all.writer.index.counts())
  const pins = readPins(empty.home)
  assert.deepEqual([pins.heads[0]?.sequence, pins.lastLookNs], [12, null])
  const found = seen.newest?.get("notes")
  assert.equal(found?.sequence, 12)

  // A look fetches the others once, and then the home knows all.
  assert.equal((await look(empty)).snapshots().length, 12)
  assert.equal(empty.requests().get, 3 + 12)
  assert.notEqual(readPins(empty.home).lastLookNs, null)
  const before = empty.requests()
  assert.equal((await glance(empty)).isWhole, true)
  assert.deepEqual([empty.requests().get - before.get, empty.requests().list - before.list], [0, 1])
})

test("glance() reads one older snapshot by name, and verifies it like every other", async (t) => {
  const all = await many(sharedPlace(t))
  const { place, chain } = all
  const third = chain[2] as ObjectName
  const prefix = third.slice(-64, -50)
  const empty = await reader(all)
  const seen = await glance(empty)
  const [named, ...others] = seen.named(prefix)
  assert.deepEqual([named?.sequence, others], [3, []])
  const gets = empty.requests().get
  assert.equal((await seen.snapshot(named as never))?.digest, third.slice(-64))
  assert.equal((await seen.snapshot(named as never))?.sequence, 3)
  assert.equal(empty.requests().get, gets + 1)

  place.objects.set(third, flip(place.objects.get(third)))
  const other = await reader(all)
  assert.equal(await (await glance(other)).snapshot(named as never), undefined)
})

test("glance() reports a chain shorter than what this home, or another device, has seen", async (t) => {
  const all = await many(sharedPlace(t))
  const { place, writer, chain } = all
  const pinned = await reader(all)
  await glance(pinned)
  const other = await place.open(place.home())
  await look(other)
  await publishEmpty(other)
  place.objects.delete(chain[11] as ObjectName)
  for (const repository of [pinned, await reader(all)]) {
    await glance(repository)
    assert.deepEqual(
      repository.session.alarms.map(({ code, detail }) => [code, detail["object"]]),
      [["chain-rolled-back", chain[11]]],
    )
  }
  assert.ok(writer.session.device)
})

test("glance() reports an entry missing from the middle, whether needed or not", async (t) => {
  const all = await many(sharedPlace(t))
  for (const [position, name] of all.chain.slice(0, -1).entries()) {
    const bytes = all.place.objects.get(name) as Bytes
    all.place.objects.delete(name)
    const empty = await reader(all)
    await glance(empty)
    assert.equal(empty.session.alarms[0]?.code, "entry-missing", `entry ${position + 1}`)
    all.place.objects.set(name, bytes)
  }
})

test("glance() reports a replaced entry when it needs it", async (t) => {
  const all = await many(sharedPlace(t))
  const { place, writer, chain } = all
  const rest = writer.log.entry(writer.log.heads()[0]?.digest as never)?.rest ?? []
  assert.ok(rest.length > 0)
  for (const { sequence, digest } of rest) {
    const name = chain[sequence - 1] as ObjectName
    const bytes = place.objects.get(name) as Bytes
    place.objects.delete(name)
    const junk = flip(bytes)
    const device = writer.session.device?.id as never
    const instead = entryName(device, sequence, digestOf(junk))
    place.objects.set(instead, junk)
    const empty = await reader(all)
    await glance(empty)
    assert.equal(empty.session.alarms[0]?.code, "entry-missing", digest)
    place.objects.delete(instead)
    place.objects.set(name, bytes)
  }
})

test("glance() skips a damaged or forged newest entry, uses the last that verifies, and reports it", async (t) => {
  const all = await many(sharedPlace(t))
  const { place, writer, chain } = all
  const last = chain[11] as ObjectName
  const bytes = place.objects.get(last) as Bytes
  place.objects.set(last, flip(bytes))
  const damaged = await reader(all)
  const seen = await glance(damaged)
  assert.equal(seen.newest?.get("notes")?.sequence, 11)
  assert.match(damaged.session.warnings.join("\\n"), new RegExp(last))
  place.objects.set(last, bytes)

  const junk = new Uint8Array(700).fill(9)
  place.objects.set(entryName(writer.session.device?.id as never, 13, digestOf(junk)), junk)
  const forged = await reader(all)
  assert.equal((await glance(forged)).newest?.get("notes")?.sequence, 12)
  assert.equal(forged.session.alarms.length + forged.session.warnings.length > 0, true)
})

test("glance() reads both of two entries in one place, like look()", async (t) => {
  const all = await many(sharedPlace(t))
  const { place, writer, chain } = all
  const junk = flip(place.objects.get(chain[3] as ObjectName))
  place.objects.set(entryName(writer.session.device?.id as never, 4, digestOf(junk)), junk)
  const empty = await reader(all)
  await glance(empty)
  assert.equal(empty.session.alarms[0]?.code, "entry-signature")
})
