/**
 * Two backups over a store that fails at its k-th call, for every k. No snapshot is lost or incomplete, and
 * the next run, by the same device or a new one, needs no help. Works with any empty store.
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
  /** The source's state at each of the two backups. */
  readonly pictures: Picture[]
  /** Snapshot ids that a backup returned, with the state they saved. */
  readonly committed: Map<string, Picture>
  /** Both backups succeeded. */
  readonly isWhole: boolean
}

/** Runs two backups over a store that fails at its k-th call, until the end or a crash. */
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

/** A refused call is reported as unavailable, and the run can be repeated. */
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

/** Every visible snapshot is one of the source's states, and every returned id is visible. */
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

/** Returns the size of each pack in the store. */
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
  /** Opens an empty store. */
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
    // at most one run's packs are unfinished, and a small run has one
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
