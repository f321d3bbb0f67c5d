/**
 * Random trees through whole backups and restores: saved, edited, and saved again. Then both
 * snapshots are restored, the second over the first, and compared to the last bit. One repository
 * takes many trees, so it also grows and deduplicates between them.
 */
import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import type { TestContext } from "node:test"
import { setImmediate } from "node:timers/promises"
import { editTree } from "../../fixtures/edits.ts"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree, type TreeShape } from "../../fixtures/trees.ts"
import type { Repository } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace, type Saved } from "./backup-place.ts"

export interface RoundTrips {
  readonly seed: string
  readonly trees: number
  /** One tree in so many has files that need worker threads and several windows. */
  readonly largeEvery: number
}

export interface RoundTripCounts {
  trees: number
  entries: number
  snapshots: number
  restores: number
}

const TREES_A_REPOSITORY = 50
const SMALL_BYTES = 20_000
const LARGE_BYTES = 5 * 1024 * 1024

export async function roundTrips(
  t: TestContext,
  { seed, trees, largeEvery }: RoundTrips,
): Promise<RoundTripCounts> {
  let place = await backupPlace(t)
  const counts: RoundTripCounts = { trees: 0, entries: 0, snapshots: 0, restores: 0 }
  const only = process.env["HOLDFAST_TREE"] // to examine one tree of a seed
  for (let number = Number(only ?? 0); number < (only === undefined ? trees : Number(only) + 1); number++) {
    if (number % TREES_A_REPOSITORY === TREES_A_REPOSITORY - 1) {
      place.close() // thousands of trees would not fit in memory
      place = await backupPlace(t)
    }
    const done: string[] = []
    try {
      await roundTrip({ place, seed, number, isLarge: number % largeEvery === largeEvery - 1, done, counts })
    } catch (cause) {
      const edits = done.map((line) => `\n  ${line}`).join("")
      throw new Error(`seed ${seed}, tree ${number}: ${String(cause)}\nedits:${edits}`, { cause })
    }
    await setImmediate() // with a store in memory nothing else turns the event loop, and Node frees native objects only there
  }
  return counts
}

interface Trip {
  readonly place: BackupPlace
  readonly seed: string
  readonly number: number
  readonly isLarge: boolean
  readonly done: string[]
  readonly counts: RoundTripCounts
}

async function roundTrip({ place, seed, number, isLarge, done, counts }: Trip): Promise<void> {
  const { repository, folder } = place
  const random = seededRandom(`${seed}/${number}`)
  const source = `${folder}/source-${number}`
  const target = `${folder}/target-${number}`
  const shape: TreeShape = {
    entries: random.between(0, 40),
    fileBytesMax: isLarge ? LARGE_BYTES : SMALL_BYTES,
    special: true,
    past: number % 5 === 0,
  }
  writeRandomTree(source, random, shape)
  const before = pictureOf(source)
  const first = await saveWhole(repository, source)
  done.push(...editTree(source, random, random.between(0, 12), shape))
  const after = pictureOf(source)
  const second = await saveWhole(repository, source)
  if (number % 5 === 0) await assertIdle(repository, source)
  const reader = number % 25 === 0 ? await place.open(place.newHome()) : repository
  await assertRestored(reader, first, { target, picture: before })
  await assertRestored(reader, second, { target, picture: after })
  if (number % 4 === 0) await assertRestored(reader, first, { target, picture: before })
  counts.trees++
  counts.entries += after.size
  counts.snapshots += 2
  counts.restores += number % 4 === 0 ? 3 : 2
  rmSync(source, { recursive: true })
  rmSync(target, { recursive: true })
}

async function saveWhole(repository: Repository, source: string): Promise<Saved> {
  const saved = await save(repository, source)
  assert.deepEqual(saved.errors, [])
  return saved
}

/** If nothing changed, nothing is written and no request is made. */
async function assertIdle(repository: Repository, source: string): Promise<void> {
  const { snapshotId, requests } = await save(repository, source)
  assert.equal(snapshotId, null)
  assert.equal(requests.put + requests.get + requests.list + requests.head + requests.delete, 0)
}

async function assertRestored(
  repository: Repository,
  { at }: Saved,
  { target, picture }: { target: string; picture: Picture },
): Promise<void> {
  const { errors } = await restoreTo(repository, at, target, { delete: true })
  assert.deepEqual(errors, [])
  assertPicture(target, picture)
}
