import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { pictureOf, type Picture } from "../fixtures/picture.ts"
import { seededRandom } from "../fixtures/random.ts"
import { editTree } from "../fixtures/edits.ts"
import { writeRandomTree, type TreeShape } from "../fixtures/trees.ts"
import { isEngineError } from "./base/errors.ts"
import { snapshots, type Repository } from "./index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "./testing/backup-place.ts"
import { faultAt, faultyStore, StoreCrash, type Fault, type FaultyStore } from "./testing/faulty-store.ts"

const SHAPE: TreeShape = { entries: 15, fileBytesMax: 9000, past: true }
const SEED = process.env["HOLDFAST_SEED"] ?? "crash"

interface Story {
  readonly place: BackupPlace
  readonly store: FaultyStore
  readonly source: string
  /** What the source was at each of the two backups. */
  readonly pictures: Picture[]
  /** Ids that a backup has returned, with what they are of. */
  readonly committed: Map<string, Picture>
  /** Both backups went through. */
  readonly isWhole: boolean
}

/** Two backups over a store that fails at its k-th call; a crash ends the story. */
async function live(t: TestContext, k: number, fault: Fault): Promise<Story> {
  const place = await backupPlace(t)
  place.repository.close()
  const store = faultyStore(place.store(), faultAt(k, fault))
  const repository = await place.open(place.home, store)
  const source = join(place.folder, "source")
  const random = seededRandom(SEED)
  writeRandomTree(source, random, SHAPE)
  const story = { place, store, source, pictures: [pictureOf(source)], committed: new Map<string, Picture>() }
  try {
    await saveTold(repository, story)
    editTree(source, random, 6, SHAPE)
    story.pictures.push(pictureOf(source))
    await saveTold(repository, story)
    return { ...story, isWhole: true }
  } catch (error) {
    assert.ok(error instanceof StoreCrash, String(error))
    return { ...story, isWhole: false }
  } finally {
    repository.close()
  }
}

/** What a store refuses is told as unavailable, and the run can simply be made again. */
async function saveTold(
  repository: Repository,
  { source, pictures, committed }: Omit<Story, "isWhole">,
): Promise<void> {
  try {
    const { snapshotId } = await save(repository, source)
    const picture = pictures.at(-1)
    if (snapshotId !== null && picture !== undefined) committed.set(snapshotId, picture)
  } catch (error) {
    if (!isEngineError(error)) throw error
    assert.equal(error.kind, "unavailable")
  }
}

/** Every snapshot that anybody can see is one of the source's states, and those that were told of are there. */
async function assertWhole(repository: Repository, { place, pictures, committed }: Story): Promise<void> {
  const found = await snapshots(repository)
  for (const { id } of found) {
    const target = join(place.folder, `target-${id}`)
    fs.rmSync(target, { recursive: true, force: true })
    assert.deepEqual((await restoreTo(repository, id, target)).errors, [])
    const expected = committed.get(id)
    if (expected !== undefined) assertPicture(target, expected)
    else
      assert.ok(
        pictures.some((picture) => isSame(picture, pictureOf(target))),
        `${id} is no state that the source had`,
      )
  }
  for (const id of committed.keys())
    assert.ok(
      found.some((each) => each.id === id),
      `${id} is lost`,
    )
}

function isSame(a: Picture, b: Picture): boolean {
  return a.size === b.size && [...a].every(([path, line]) => b.get(path) === line)
}

function storedBytes({ objects }: BackupPlace): number {
  return [...objects].reduce((sum, [name, { length }]) => sum + (name.startsWith("packs/") ? length : 0), 0)
}

for (const fault of ["refused", "lost-reply", "crash-before", "crash-after"] as const) {
  test(`backup() over a store that is ${fault} at any call loses no snapshot and needs no help`, async (t) => {
    const clean = await live(t, Infinity, fault)
    assert.equal(clean.committed.size, 2)
    const largest = Math.max(
      ...[...clean.place.objects].map(([name, { length }]) => (name.startsWith("packs/") ? length : 0)),
    )
    for (let k = 0; k < clean.store.calls.length; k++) {
      const story = await live(t, k, fault)
      const what = `${fault} at call ${k}, ${story.store.calls[k]?.method} ${story.store.calls[k]?.name.slice(0, 20)}`
      const { place, source } = story
      const same = await place.open()
      const fresh = await place.open(place.newHome())
      for (const repository of [same, fresh]) {
        await assertWhole(repository, story).catch((cause: unknown) => {
          throw new Error(`${what}: ${String(cause)}`, { cause })
        })
      }
      for (const repository of [same, fresh]) {
        const { at, errors } = await save(repository, source)
        assert.deepEqual(errors, [], what)
        story.committed.set(at, pictureOf(source))
        await assertWhole(repository, story)
      }
      // one run's packs are under way at most: a small run has one
      assert.ok(
        storedBytes(place) <= storedBytes(clean.place) + 2 * largest,
        `${what}: ${storedBytes(place)} bytes of packs`,
      )
      same.close()
      fresh.close()
    }
    t.diagnostic(`${clean.store.calls.length} calls`)
  })
}
