/**
 * The main job on any store: create a repository, back up, change, back up again, restore both
 * snapshots on another machine, and compare every byte. Runs on a fault server and on real servers.
 */
import assert from "node:assert/strict"
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import type { TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree } from "../../fixtures/trees.ts"
import { setMtime } from "../../fixtures/native.ts"
import { snapshots } from "../index.ts"
import type { Store } from "../store/store.ts"
import { assertPicture, backupPlace, restoreTo, save } from "./backup-place.ts"

export interface MainJob {
  readonly entries: number
  readonly fileBytesMax: number
}

/** @param adapter an empty store; it contains the repository afterwards */
export async function mainJob(
  t: TestContext,
  adapter: Store,
  { entries, fileBytesMax }: MainJob,
): Promise<void> {
  const place = await backupPlace(t, { adapter })
  const source = path.join(place.folder, "source")
  writeRandomTree(source, seededRandom("main job"), { entries, fileBytesMax })
  const before = pictureOf(source)
  const first = await save(place.repository, source)
  changeSome(source)
  const after = pictureOf(source)
  const second = await save(place.repository, source)
  assert.notEqual(second.at, first.at)
  const third = await save(place.repository, source)
  assert.equal(third.snapshotId, null)

  const other = await place.open(place.newHome())
  assert.equal((await snapshots(other)).length, 2)
  for (const [snapshot, expected] of [
    [first, before],
    [second, after],
  ] as const) {
    const target = path.join(place.folder, "restored")
    const result = await restoreTo(other, snapshot.at, target)
    assert.deepEqual(result.errors, [])
    assertPicture(target, expected)
    rmSync(target, { recursive: true })
  }
}

/** Adds files and changes one. */
function changeSome(source: string): void {
  const folder = path.join(source, "added")
  mkdirSync(folder)
  writeFileSync(path.join(folder, "a file"), "what the second snapshot alone has\n")
  appendFileSync(path.join(folder, "a file"), "and a line\n")
  writeFileSync(path.join(source, "large"), seededRandom("large").bytes(300_000))
  for (const name of ["added/a file", "added", "large"])
    setMtime(path.join(source, name), 1_700_000_000_000_000_000n)
}
