import assert from "node:assert/strict"
import { test } from "node:test"
import type { ObjectName } from "../base/ids.ts"
import { NEWEST_MAX } from "../format/entry-body.ts"
import { entryName } from "../format/names.ts"
import { exampleId } from "../testing/example-packs.ts"
import { publishPacks, putPack } from "../testing/put-packs.ts"
import { publishEmpty, sharedPlace } from "../testing/shared-place.ts"
import { newestBefore, newestOwn, packsToRead } from "./carry.ts"
import { glance } from "./glance.ts"
import type { LoggedEntry } from "../log/log-table.ts"
import type { Repository } from "./repository.ts"

function newest(repository: Repository): LoggedEntry {
  const head = newestOwn(repository)
  const entry = head === undefined ? undefined : repository.log.entry(head.digest)
  assert.ok(entry)
  return entry
}

/** The name of the newest own entry. */
function newestName(repository: Repository): ObjectName {
  const { device, sequence, digest } = newest(repository)
  return entryName(device, sequence, digest)
}

test("carryAlong() lets the newest entry and a few others make every pack of 200 small runs known", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  let bytes = 0
  let most = 0
  for (let run = 1; run <= 200; run++) {
    await publishPacks(repository, [await putPack(repository, `run ${run}`, 20)])
    bytes += place.objects.get(newestName(repository))?.length ?? 0
    most = Math.max(most, newest(repository).rest.length)
    if (![1, 2, 3, 7, 10, 31, 64, 100, 127, 200].includes(run)) continue
    const empty = await place.open(place.home(), { write: false })
    await glance(empty)
    assert.deepEqual(empty.index.counts(), repository.index.counts(), `after ${run} runs`)
    const entries = 1 + newest(repository).rest.length
    assert.ok(entries <= (run <= 10 ? 3 : 2 + Math.log2(run)), `${entries} entries after ${run} runs`)
    if (run > 2) assert.equal(empty.requests().get, 3 + entries)
  }
  // A directory of 20 chunks has about 760 bytes.
  t.diagnostic(
    `entries have ${Math.round(bytes / 200)} bytes on average; at most ${1 + most} of them are needed`,
  )
  assert.ok(bytes / 200 < 8 * 1024)
})

test("carryAlong() continues if the home has lost what it signed, and if the store has too", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  for (let run = 0; run < 5; run++)
    await publishPacks(repository, [await putPack(repository, `run ${run}`, 100)])
  const first = newestName(repository)
  repository.objects.remove([first])
  const before = repository.requests().get
  await publishPacks(repository, [await putPack(repository, "after", 100)])
  assert.equal(repository.requests().get, before + 1)
  // Damaged in both: it can't be gathered, so it stays listed.
  const second = newestName(repository)
  const head = newestOwn(repository)
  repository.objects.remove([second])
  place.objects.set(second, new Uint8Array(600))
  await publishPacks(repository, [await putPack(repository, "after damage", 100)])
  assert.equal(newest(repository).rest.at(-1)?.digest, head?.digest)
  const empty = await place.open(place.home(), { write: false })
  assert.match((await glance(empty), empty.session.warnings.join()), /does not have the digest|digest/)
  assert.ok(empty.index.has(exampleId("after damage 99")))
  assert.ok(empty.index.has(exampleId("run 0 0")))
})

test("coverPacks() lets an empty machine fetch few objects, for ten large runs", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  for (let run = 1; run <= 10; run++) {
    const packs = []
    for (let i = 0; i < 4; i++) packs.push(await putPack(repository, `run ${run} ${i}`, 300))
    await publishPacks(repository, packs)
    const { segments, rest } = newest(repository)
    assert.ok(segments.length <= 4 && rest.length === 0, `${segments.length} segments after ${run} runs`)
    const empty = await place.open(place.home(), { write: false })
    const before = empty.requests().get
    await glance(empty)
    assert.deepEqual(empty.index.counts(), repository.index.counts())
    if (run > 2) assert.ok(empty.requests().get - before <= 1 + segments.length)
  }
})

test("coverPacks() leaves two packs of a chain to ranged reads, and covers all with a segment from the third on", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const ranged = async (): Promise<number> => (await packsToRead(repository, newestOwn(repository))).length
  for (const [run, expected] of [1, 2, 0, 1].entries()) {
    await publishPacks(repository, [await putPack(repository, `large ${run}`, 700)])
    assert.equal(await ranged(), expected, `after ${run + 1} runs`)
    await publishPacks(repository, [await putPack(repository, `small ${run}`, 3)])
    assert.equal(await ranged(), expected, "a small run carries them along")
  }
  assert.equal(newest(repository).segments.length, 1)
  const empty = await place.open(place.home(), { write: false })
  await glance(empty)
  assert.deepEqual(empty.index.counts(), repository.index.counts())
})

test("newestBefore() returns the newest snapshot of each series, by its own time, up to a limit", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  assert.deepEqual(newestBefore(undefined), [])
  await publishEmpty(repository, "notes")
  const photos = await publishEmpty(repository, "photos")
  const notes = await publishEmpty(repository, "notes")
  const found = newestBefore(newest(repository))
  assert.deepEqual(found?.map(({ series, sequence, digest }) => [series, sequence, digest]).toSorted(), [
    ["notes", 3, notes.digest],
    ["photos", 2, photos.digest],
  ])
  const entry = newest(repository)
  const many = Array.from({ length: NEWEST_MAX }, (_, i) => ({
    series: `s${i}`,
    timeNs: 1n,
    sequence: 1,
    digest: notes.digest,
  }))
  assert.equal(newestBefore({ ...entry, newest: many }), null)
  assert.equal(newestBefore({ ...entry, newest: many.slice(1) })?.length, NEWEST_MAX)
  assert.equal(newestBefore({ ...entry, newest: null }), null)
})
