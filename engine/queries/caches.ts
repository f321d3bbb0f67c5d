/** `cache`: lists this device's caches, one per repository, and deletes them (rule L1). */
import * as fs from "node:fs"
import * as path from "node:path"
import type { RepositoryId } from "../base/ids.ts"
import type { Home } from "../home/home.ts"
import { knownRepositories } from "../home/last-repository.ts"
import { removeStateFiles } from "../home/state-database.ts"

export interface CacheInfo {
  readonly repository: RepositoryId
  /** The repository's last known location; undefined if unknown. */
  readonly location: string | undefined
  readonly bytes: number
  readonly path: string
}

/**
 * Lists the caches of a home by repository. Creates nothing.
 * @returns sizes in bytes
 */
export function cacheInfo(home: Home): CacheInfo[] {
  const folder = path.join(home.cacheRoot, "repositories")
  const known = knownRepositories(home)
  const names = fs.existsSync(folder) ? fs.readdirSync(folder).toSorted() : []
  return names.flatMap((name) => {
    const file = path.join(folder, name, "state.sqlite")
    if (!/^[0-9a-f]{32}$/.test(name) || !fs.existsSync(file)) return []
    const repository = name as RepositoryId
    const location = known.findLast((each) => each.repository === repository)?.location
    return [{ repository, location, bytes: stateBytes(file), path: file }]
  })
}

function stateBytes(file: string): number {
  return ["", "-wal", "-shm"].reduce(
    (sum, end) => sum + (fs.statSync(file + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

/** Deletes all caches and keeps keys and pins. Safe at any time, even during another run. */
export function clearCache(home: Home): void {
  for (const cache of cacheInfo(home)) removeStateFiles(cache.path)
}
