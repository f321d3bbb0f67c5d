/**
 * Two backups over a store that fails at its k-th call, for every k: whatever the moment, no snapshot is
 * lost or half there, and the next run, of the same device or of a new one, needs no help. For any
 * store that is empty when it is opened.
 */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import type { TestContext } from "node:test"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { editTree } from "../../fixtures/edits.ts"
import { writeRandomTree, type TreeShape } from "../../fixtures/trees.ts"
import { isEngineError } from "../base/errors.ts"
import { check, snapshots, type Repository, type Store } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "./backup-place.ts"
import { faultAt, faultyStore, StoreCrash, type FaultyStore } from "./faulty-store.ts"

const SHAPE: TreeShape = { entries: 15, fileBytesMax: 9000, past: true }
const SEED = process.env["HOLDFAST_SEED"] ?? "crash"

interface Story {
  readonly place: BackupPlace
  readonly adapter: Store
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
async function live(t: TestContext, sweep: Sweep, k: number): Promise<Story> {
  const adapter = await sweep.empty()
  const place = await backupPlace(t, { adapter })
  place.repository.close()
  const store = faultyStore(place.store(), faultAt(k, sweep.fault))
  const repository = await place.open(place.home, store)
  const source = join(place.folder, "source")
  const random = seededRandom(SEED)
  writeRandomTree(source, random, SHAPE)
  const story = {
    place,
    adapter,
    store,
    source,
    pictures: [pictureOf(source)],
    committed: new Map<string, Picture>(),
  }
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

/** Of each pack that lies in the store. */
async function packSizes({ adapter }: Story): Promise<number[]> {
  const sizes: number[] = []
  for await (const { sizeBytes } of adapter.list("packs/")) sizes.push(sizeBytes)
  return sizes
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}

export const CRASH_FAULTS = ["refused", "lost-reply", "crash-before", "crash-after"] as const

export interface Sweep {
  readonly fault: (typeof CRASH_FAULTS)[number]
  /** A store with nothing in it. */
  readonly empty: () => Promise<Store>
}

export async function crashSweep(t: TestContext, sweep: Sweep): Promise<void> {
  const clean = await live(t, sweep, Infinity)
  assert.equal(clean.committed.size, 2)
  const expected = await packSizes(clean)
  for (let k = 0; k < clean.store.calls.length; k++) {
    const story = await live(t, sweep, k)
    const call = story.store.calls[k]
    const what = `${sweep.fault} at call ${k}, ${call?.method} ${call?.name.slice(0, 20)}`
    await assertGoesOn(story, what)
    // one run's packs are under way at most: a small run has one
    const stored = sum(await packSizes(story))
    assert.ok(stored <= sum(expected) + 2 * Math.max(...expected), `${what}: ${stored} bytes of packs`)
  }
  t.diagnostic(`${clean.store.calls.length} calls`)
}

async function assertGoesOn(story: Story, what: string): Promise<void> {
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
    assert.deepEqual((await check(repository, { readData: true })).errors, [], what)
  }
  same.close()
  fresh.close()
}
