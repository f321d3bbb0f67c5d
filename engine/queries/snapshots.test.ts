import assert from "node:assert/strict"
import { test } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { findSnapshot, snapshots, splitAddress } from "./snapshots.ts"
import { emptyDraft, sharedPlace } from "../testing/shared-place.ts"
import { publish, type SnapshotDraft } from "../session/publish.ts"

function at(time: string, changes: Partial<SnapshotDraft> = {}): SnapshotDraft {
  return emptyDraft("notes", { timeNs: BigInt(Date.parse(time)) * 1_000_000n, ...changes })
}

function code(wanted: string, text = ""): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isEngineError(error), String(error))
    assert.equal(error.code, wanted)
    assert.ok(error.message.includes(text), error.message)
    return true
  }
}

test("findSnapshot() accepts prefixes, latest, latest~N and times, with a path", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const times = ["2026-05-01T10:00:00Z", "2026-05-02T10:00:30Z", "2026-05-03T10:00:00Z"]
  const ids: string[] = []
  // Published in another order than their times.
  for (const time of [times[1], times[2], times[0]] as string[]) {
    ids.push((await publish(repository, at(time))).digest)
  }
  const [second, third, first] = ids
  const idOf = async (address: string): Promise<string> =>
    (await findSnapshot(repository, address)).snapshot.id
  assert.equal(await idOf("latest"), third)
  assert.equal(await idOf("latest~0"), third)
  assert.equal(await idOf("latest~2"), first)
  assert.equal(await idOf(second?.slice(0, 12) ?? ""), second)
  assert.equal(await idOf("2026-05-02T10:00Z"), second)
  assert.equal(await idOf("2026-05-02T10:00:29Z"), first)
  assert.equal(await idOf("2026-05-02T12:00+02:00"), second)
  assert.equal(await idOf("2026-05-02T12:00:29+0200"), first)
  assert.equal(await idOf("2026-06-01"), third)
  const { snapshot, path } = await findSnapshot(repository, "latest~1:/notes//a.md/")
  assert.equal(snapshot.id, second)
  assert.equal(path, "notes/a.md")
  assert.deepEqual([snapshot.shortId, snapshot.deviceLabel], [second?.slice(0, 8), "first"])
  // The parent at the time it was made, whatever their times.
  assert.equal(snapshot.parent, null)
  assert.equal((await findSnapshot(repository, "latest")).snapshot.parent, second)

  await assert.rejects(idOf("latest~3"), code("no-snapshot", "there are 3, the newest: "))
  await assert.rejects(
    idOf("2026-04-30"),
    code("no-snapshot", "no snapshot is as old as 2026-04-30. The oldest is "),
  )
  await assert.rejects(idOf("0000000000000"), code("no-snapshot"))
  for (const wrong of ["", "abc", "newest", "latest~", "2026-13-01", "latest~1notes"]) {
    await assert.rejects(idOf(wrong), code("snapshot-address"), wrong)
  }
})

test("findSnapshot() refuses a latest that may be in several series, and applies filters", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  await assert.rejects(
    findSnapshot(repository, "latest"),
    code("no-snapshot", "the repository has no snapshots"),
  )
  const paths = ["/home/ada/photos" as RawPath]
  await publish(repository, at("2026-05-01T10:00:00Z", { tags: ["a", "b"] }))
  await publish(repository, at("2026-05-01T11:00:00Z", { series: "photos", host: "laptop", paths }))
  await assert.rejects(findSnapshot(repository, "latest"), code("several-series", "notes, photos"))
  const seriesOf = async (filter: Parameters<typeof findSnapshot>[2]): Promise<string> =>
    (await findSnapshot(repository, "latest", filter)).snapshot.series
  assert.equal(await seriesOf({ series: "notes" }), "notes")
  assert.equal(await seriesOf({ host: "laptop" }), "photos")
  assert.equal(await seriesOf({ tags: ["b"] }), "notes")
  assert.equal(await seriesOf({ path: "/home/ada/photos" }), "photos")
  await assert.rejects(seriesOf({ tags: ["b", "c"] }), code("no-snapshot"))
  assert.equal((await snapshots(repository)).length, 2)
  assert.deepEqual(
    (await snapshots(repository, { series: "photos" })).map(({ parent }) => parent),
    [null],
  )
})

test("splitAddress() distinguishes a time's colons from a path's", () => {
  const cases: [string, string, string][] = [
    ["latest:a:b", "latest", "a:b"],
    ["2026-05-01T12:00:notes", "2026-05-01T12:00", "notes"],
    ["2026-05-01T12:00:30:notes", "2026-05-01T12:00:30", "notes"],
    ["2026-05-01:12", "2026-05-01", "12"],
    ["latest:/home/./a/", "latest", "/home/./a/"],
    ["beef:", "beef", ""],
  ]
  for (const [address, name, path] of cases) assert.deepEqual(splitAddress(address), { name, path })
})
