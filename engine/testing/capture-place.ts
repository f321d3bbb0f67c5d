/** A place for tests of captures: a source folder, a run that tells how each file was taken, and its restore. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import type { TestContext } from "node:test"
import { entries, findSnapshot, type BackupRequest, type Repository } from "../index.ts"
import { backupPlace, restoreTo, save, type BackupPlace, type Saved } from "./backup-place.ts"

export const SQLITE: Pick<BackupRequest, "capture"> = { capture: { sqlite: true } }

export interface Made {
  readonly place: BackupPlace
  readonly repository: Repository
  readonly source: string
  readonly at: (name: string) => string
}

export async function made(t: TestContext): Promise<Made> {
  const place = await backupPlace(t)
  const source = join(place.folder, "state")
  fs.mkdirSync(source)
  return { place, repository: place.repository, source, at: (name) => join(source, name) }
}

export interface Kept extends Saved {
  readonly notices: readonly string[]
  /** How each file was taken, by path. */
  readonly captures: Readonly<Record<string, string>>
}

export async function keep(
  { repository, source }: Made,
  changes: Partial<BackupRequest> = SQLITE,
): Promise<Kept> {
  const notices: string[] = []
  const saved = await save(repository, source, changes, (event) => {
    if (event.type === "notice") notices.push(event.message)
  })
  const captures: Record<string, string> = {}
  const { snapshot } = await findSnapshot(repository, saved.at)
  for await (const entry of entries(repository, snapshot)) {
    if (entry.type === "file") captures[entry.path] = entry.capture
  }
  return { ...saved, notices, captures }
}

/** Restores the snapshot. @returns the folder */
export async function restored({ place, repository }: Made, { at }: Saved): Promise<string> {
  const target = join(place.folder, `target-${at.slice(0, 8)}`)
  const { errors } = await restoreTo(repository, at, target)
  assert.deepEqual(errors, [])
  return target
}
