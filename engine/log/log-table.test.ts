import assert from "node:assert/strict"
import { test } from "node:test"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import type { SnapshotEntry } from "../format/entry.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { emptyDraft } from "../testing/shared-place.ts"
import { temporaryRepositoryHome } from "../testing/temporary-home.ts"
import { openLogTable } from "./log-table.ts"

const device = (letter: string): DeviceId => letter.repeat(32) as DeviceId
const digest = (letter: string): Digest => letter.repeat(64) as Digest

function entry(author: string, sequence: number, changes: Partial<SnapshotEntry> = {}): SnapshotEntry {
  const { newSegments: segments, ...draft } = emptyDraft()
  return {
    ...draft,
    version: 0,
    repository: device("0") as string as RepositoryId,
    device: device(author),
    sequence,
    previous: sequence === 1 ? null : digest("f"),
    heads: [],
    gcSeen: null,
    trust: { number: 1, digest: digest("f") },
    program: "test",
    rest: [],
    segments,
    newest: [],
    parent: null,
    ...changes,
  }
}

test("openLogTable() finds heads, forks, series, times and incomplete entries", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const log = openLogTable(state.database)
  assert.deepEqual([log.heads(), log.newest("notes"), log.series()], [[], undefined, []])
  log.add(digest("1"), entry("a", 1, { timeNs: 5n }), true)
  log.add(digest("2"), entry("a", 2, { timeNs: 3n, host: "other", tags: ["x"] }), false)
  log.add(digest("4"), entry("b", 1, { timeNs: 4n, series: "photos" }), true)
  log.add(digest("3"), entry("b", 1, { timeNs: 2n ** 62n, series: "photos" }), true)
  assert.deepEqual(log.heads(), [
    { device: device("a"), sequence: 2, digest: digest("2") },
    { device: device("b"), sequence: 1, digest: digest("3") },
  ])
  assert.deepEqual(log.at(device("b"), 1), [digest("3"), digest("4")])
  assert.deepEqual(log.series(), ["notes", "photos"])
  assert.equal(log.newest("notes")?.digest, digest("1"))
  assert.equal(log.newest("photos")?.timeNs, 2n ** 62n)
  const ids = (filter: Parameters<typeof log.snapshots>[0]): string =>
    log
      .snapshots(filter)
      .map(({ shortId }) => shortId[0])
      .join("")
  assert.equal(ids({}), "2413")
  assert.equal(ids({ series: "notes" }), "21")
  assert.equal(ids({ series: "notes", host: "other", tags: ["x"] }), "2")
  assert.equal(ids({ tags: ["x", "y"] }), "")
  assert.deepEqual([log.verified().size, log.complete().size], [4, 3])
  log.add(digest("2"), entry("a", 2), true)
  log.add(digest("2"), entry("a", 2), false)
  assert.equal(log.complete().size, 4)
  assert.deepEqual([log.has(digest("2")), log.has(digest("9"))], [true, false])
  assert.equal(log.entry(digest("2"))?.sequence, 2)
  assert.equal(log.hasSegment(digest("5")), false)
  log.addSegment(digest("5"))
  log.addSegment(digest("5"))
  assert.equal(log.hasSegment(digest("5")), true)
})

test("openLogTable() excludes partial entries from the snapshots", (t) => {
  const state = openStateDatabase(temporaryRepositoryHome(t))
  t.after(() => state.close())
  const log = openLogTable(state.database)
  const { repository, device: author, heads, trust, program } = entry("a", 1)
  const common = {
    version: 0 as const,
    repository,
    device: author,
    sequence: 1,
    previous: null,
    heads,
    trust,
  }
  const more = {
    gcSeen: null,
    program,
    packs: [],
    rest: [],
    segments: [],
    newest: [],
    timeNs: 1n,
    series: "notes",
  }
  log.add(digest("1"), { type: "partial", ...common, ...more }, true)
  assert.deepEqual([log.series(), log.snapshots({}), log.newest("notes")], [[], [], undefined])
  assert.equal(log.heads().length, 1)
})

test("openLogTable() neither lists nor signs what a damaged column or index says", (t) => {
  const damages = {
    series: "UPDATE log_entries SET series = 'other' WHERE sequence = 1",
    host: "UPDATE log_entries SET host = 'other' WHERE sequence = 1",
    time: "UPDATE log_entries SET time_ns = 1 WHERE sequence = 2",
    "no time": "UPDATE log_entries SET time_ns = NULL WHERE sequence = 2",
    device: "UPDATE log_entries SET device = 'x' WHERE sequence = 2",
    sequence: "UPDATE log_entries SET sequence = 9 WHERE sequence = 2",
  }
  for (const [what, sql] of Object.entries(damages)) {
    const state = openStateDatabase(temporaryRepositoryHome(t))
    t.after(() => state.close())
    const log = openLogTable(state.database)
    log.add(digest("1"), entry("a", 1, { timeNs: 5n }), true)
    log.add(digest("2"), entry("a", 2, { timeNs: 6n }), true)
    state.database.exec(sql)
    for (const filter of [{}, { series: "notes" }, { host: "none" }])
      assert.throws(() => log.snapshots(filter), { code: "state-damaged" }, what)
    assert.throws(() => log.verify(), { code: "state-damaged" }, what)
    if (what === "device" || what === "sequence")
      assert.throws(() => log.heads(), { code: "state-damaged" }, what)
  }
})
