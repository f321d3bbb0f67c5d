import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import type { Digest, RawPath } from "../base/ids.ts"
import { findSnapshot, snapshots, type Repository } from "../index.ts"
import { backupPlace, save, type BackupPlace } from "../testing/backup-place.ts"

function makeSource({ folder }: BackupPlace): string {
  const source = join(folder, "notes")
  fs.mkdirSync(join(source, "memory"), { recursive: true })
  for (const name of ["MEMORY.md", "memory/a.md", "memory/b.md"])
    fs.writeFileSync(join(source, name), `about ${name}`)
  return source
}

/** The warnings of a look with a home of its own, which knows nothing of the log. */
async function latestOn(place: BackupPlace, address = "latest"): Promise<{ id: string; warnings: string }> {
  const repository = await place.open(place.newHome())
  const { snapshot } = await findSnapshot(repository, address)
  return { id: snapshot.id, warnings: repository.session.warnings.join("\n") }
}

async function wipe(repository: Repository, source: string): Promise<string> {
  fs.rmSync(join(source, "memory"), { recursive: true })
  const { at } = await save(repository, source, { flag: async () => "suspected-wipe" })
  return at
}

test("backup() asks for the flag only before a snapshot is written, and gives it the files of the new listing", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place)
  const seen: string[][] = []
  const flag = async (listing: { files(): AsyncIterable<{ path: string; size: number }> }) => {
    for (let round = 0; round < 2; round++) {
      const files: string[] = []
      for await (const { path, size } of listing.files()) files.push(`${path} ${size}`)
      seen.push(files)
    }
    return "suspected-wipe" as const
  }
  const first = await save(place.repository, source, { flag })
  const all = ["MEMORY.md 15", "memory/a.md 17", "memory/b.md 17"]
  assert.deepEqual(seen.splice(0), [all, all])
  assert.deepEqual([first.flag, first.filesRemoved], ["suspected-wipe", 0])

  assert.equal((await save(place.repository, source, { flag })).snapshotId, null)
  assert.equal((await save(place.repository, source, { flag, dryRun: true, force: true })).flag, null)
  assert.equal(seen.length, 0)

  fs.rmSync(join(source, "memory"), { recursive: true })
  const second = await save(place.repository, source, { flag: async () => null })
  assert.deepEqual([second.flag, second.filesRemoved, second.summary.dirsChanged], [null, 2, 1])
})

test("backup() writes a snapshot of an unchanged source if it has a flag or accepts another, but not for a label", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place)
  const { at: first } = await save(place.repository, source)
  assert.equal((await save(place.repository, source, { label: "a note" })).snapshotId, null)
  const before = await save(place.repository, source, { flag: "pre-restore", label: "a note" })
  assert.equal(before.flag, "pre-restore")
  const accepting = await save(place.repository, source, { accepts: before.at as Digest })
  assert.notEqual(accepting.snapshotId, null)
  const found = await snapshots(place.repository)
  assert.deepEqual(
    found.map(({ id, flag, accepts, label, good }) => [id, flag, accepts, label, good]),
    [
      [first, null, null, null, true],
      [before.at, "pre-restore", null, "a note", true],
      [accepting.at, null, before.at, null, true],
    ],
  )
})

test("findSnapshot() skips a flagged snapshot as latest until a later one of its series accepts it", async (t) => {
  const place = await backupPlace(t)
  const { repository } = place
  const source = makeSource(place)
  const { at: good } = await save(repository, source)
  const flagged = await wipe(repository, source)

  const skipped = await latestOn(place)
  assert.equal(skipped.id, good)
  assert.match(
    skipped.warnings,
    new RegExp(`skipped a flagged snapshot: ${flagged.slice(0, 8)} of .*suspected wipe.*${good.slice(0, 8)}`),
  )
  assert.equal((await latestOn(place, flagged)).id, flagged)
  // the next backup still compares with the newest of all
  fs.writeFileSync(join(source, "MEMORY.md"), "new")
  const next = await save(repository, source)
  assert.equal(next.parentId, flagged)
  assert.deepEqual(await latestOn(place), { id: next.at, warnings: "" })
  assert.equal((await latestOn(place, "latest~1")).id, good)

  // a snapshot of another series can't accept it
  await save(repository, source, { series: "other", accepts: flagged as Digest })
  assert.equal((await snapshots(repository, { series: "notes" }))[1]?.good, false)
  await save(repository, source, { accepts: flagged as Digest })
  const inSeries = (address: string) => findSnapshot(repository, address, { series: "notes" })
  assert.equal((await inSeries("latest~2")).snapshot.id, flagged)
})

test("findSnapshot() takes a flagged snapshot as latest, with a warning, if there are no others", async (t) => {
  const place = await backupPlace(t)
  const { at } = await save(place.repository, makeSource(place), { flag: "pre-restore" })
  const { id, warnings } = await latestOn(place)
  assert.equal(id, at)
  assert.match(warnings, /is flagged; there are no others/)
})

test("findSnapshot() by time warns of a flagged snapshot, and names the newest good one before it", async (t) => {
  const place = await backupPlace(t)
  const { repository } = place
  const source = makeSource(place)
  const { at: good } = await save(repository, source)
  const flagged = await wipe(repository, source)
  const [before = "", after = ""] = (await snapshots(repository)).map(({ timeNs }) =>
    new Date(Number(timeNs / 1_000_000n) + 1).toISOString(),
  )
  assert.deepEqual(await latestOn(place, before), { id: good, warnings: "" })
  const found = await latestOn(place, after)
  assert.equal(found.id, flagged)
  assert.match(
    found.warnings,
    new RegExp(
      `^\\S+Z is snapshot ${flagged.slice(0, 8)} of .*suspected wipe.* is flagged. The newest good one before it is ${good.slice(0, 8)} of`,
    ),
  )
  await save(repository, source, { accepts: flagged as Digest })
  assert.equal((await latestOn(place, after)).warnings, "")
})

test("backup() warns if half of the files are gone, unless the caller decides or other files were asked for", async (t) => {
  const place = await backupPlace(t)
  const source = makeSource(place)
  for (const name of ["c", "d", "e"]) fs.writeFileSync(join(source, name), name)
  const notices: string[] = []
  const run = async (changes: Parameters<typeof save>[2] = {}): Promise<string> => {
    notices.length = 0
    const { at } = await save(place.repository, source, changes, (event) => {
      if (event.type === "notice") notices.push(event.message)
    })
    return at
  }
  const first = await run()
  for (const name of ["c", "d"]) fs.rmSync(join(source, name))
  await run()
  assert.deepEqual(notices, [])
  fs.writeFileSync(join(source, "c"), "c")
  fs.writeFileSync(join(source, "d"), "d")
  const whole = await run()
  for (const name of ["c", "d", "e"]) fs.rmSync(join(source, name))
  await run({ dryRun: true })
  assert.deepEqual(notices, [])
  await run()
  assert.deepEqual(notices, [
    `3 of the 6 files of snapshot ${whole.slice(0, 8)} are gone. If that was not meant, restore them from it`,
  ])
  assert.notEqual(whole, first)
  await run({ selection: { excludes: ["*.md"] as RawPath[] } })
  assert.deepEqual(notices, [])
})
