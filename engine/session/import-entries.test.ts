import assert from "node:assert/strict"
import { test } from "node:test"
import type { Bytes } from "../base/bytes.ts"
import { packName } from "../format/names.ts"
import { exampleId } from "../testing/example-packs.ts"
import { publishPacks, putPack } from "../testing/put-packs.ts"
import { sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { look } from "./look.ts"
import type { Repository } from "./repository.ts"

async function reader(place: SharedPlace): Promise<Repository> {
  return await place.open(place.home(), { write: false })
}

test("importEntries() reads directories from entries, packs and segments", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  await publishPacks(repository, [await putPack(repository, "small", 3)])
  const inline = await reader(place)
  await look(inline)
  assert.equal(inline.requests().get, 3 + 1)
  assert.ok(inline.index.has(exampleId("small 2")))

  await publishPacks(repository, [await putPack(repository, "large", 2000)])
  await look(inline)
  assert.equal(inline.requests().get, 3 + 1 + 2) // the entry, and its pack's directory
  assert.ok(inline.index.has(exampleId("large 1999")))

  const many = []
  for (let i = 0; i < 8; i++) many.push(await putPack(repository, `many ${i}`, 200))
  await publishPacks(repository, many)
  assert.equal(place.names("index/").length, 1)
  await look(inline)
  assert.equal(inline.requests().get, 3 + 1 + 2 + 2) // the entry and the segment
  assert.ok(inline.index.has(exampleId("many 7 199")))
  assert.deepEqual(inline.index.counts(), repository.index.counts())
  // Nothing is requested again.
  await look(inline)
  assert.equal(inline.requests().get, 8)
})

test("importEntries() reports which pack or segment is missing or damaged, keeps the rest, and retries", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const many = []
  for (let i = 0; i < 8; i++) many.push(await putPack(repository, `many ${i}`, 200))
  await publishPacks(repository, many)
  const large = await putPack(repository, "large", 2000)
  await publishPacks(repository, [large])
  const [segment] = place.names("index/")
  assert.ok(segment)
  const saved = new Map(place.objects)

  for (const object of [packName(large.record.name), segment]) {
    place.objects.delete(object)
    const late = await reader(place)
    const view = await look(late)
    assert.deepEqual(
      view.problems.map(({ code, detail }) => [code, detail["object"]]),
      [["object-missing", object]],
    )
    assert.equal(view.snapshots().length, 2)
    place.objects.set(object, saved.get(object) as Bytes)
    assert.deepEqual((await look(late)).problems, [])
    assert.deepEqual(late.index.counts(), repository.index.counts())
  }

  for (const [object, code, at] of [
    [segment, "digest", 90],
    [packName(large.record.name), "frame", large.record.directoryOffset + 5],
  ] as const) {
    const bytes = (saved.get(object) as Bytes).slice()
    bytes[at] = (bytes[at] as number) ^ 1
    place.objects.set(object, bytes)
    const view = await look(await reader(place))
    assert.deepEqual(
      view.problems.map((each) => [each.code, each.detail["object"]]),
      [[code, object]],
    )
    place.objects.set(object, saved.get(object) as Bytes)
  }
})
