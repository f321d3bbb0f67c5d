/**
 * The snapshots of a repository as of this device's last look, from the home's files alone: no store is opened, no
 * secret is read, and no request is made. spec/home.md.
 */
import type { RepositoryId } from "../base/ids.ts"
import { openChunkIndex } from "../chunk-index/sqlite-index.ts"
import { type Home, openRepositoryHome, type RepositoryHome } from "../home/home.ts"
import { repositoryAt } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import { openStateDatabase, type StateDatabase } from "../home/state-database.ts"
import { openLogTable } from "../log/log-table.ts"
import { goodAmong, type JudgedSnapshot } from "./latest.ts"

export interface LocalSnapshots {
  readonly repository: RepositoryId
  /** Oldest first. */
  readonly snapshots: readonly JudgedSnapshot[]
  /** Of the whole series. */
  readonly count: number
  /** When the store was last listed, in nanoseconds since 1970; undefined: never. */
  readonly lookedNs: bigint | undefined
}

export interface LocalRequest {
  readonly series: string
  /** Only this many, the newest. Default: all. */
  readonly newest?: number
}

/**
 * Lists what this device knows of a series, without a request.
 * @param location as `locationName` gives it
 * @returns undefined if this home has never opened a repository there
 */
export function localSnapshots(
  home: Home,
  location: string,
  { series, newest }: LocalRequest,
): LocalSnapshots | undefined {
  return withLocalState(home, location, (state, paths) => {
    const log = openLogTable(state.database)
    const all = newest === undefined ? log.snapshots({ series }) : log.newestOf(series, newest)
    const isGood = goodAmong(all)
    return {
      repository: paths.repository,
      snapshots: all.map((each) => ({ ...each, good: isGood(each) })),
      count: newest === undefined ? all.length : log.countOf(series),
      lookedNs: readPins(paths).lastLookNs ?? undefined,
    }
  })
}

/**
 * Adds up the packs that this device knows of a repository, without a request.
 * @returns bytes; undefined if this home has never opened a repository there
 */
export function localPackedBytes(home: Home, location: string): number | undefined {
  return withLocalState(home, location, (state) => {
    let bytes = 0
    for (const { sizeBytes } of openChunkIndex(state.database).packs()) bytes += sizeBytes
    return bytes
  })
}

function withLocalState<T>(
  home: Home,
  location: string,
  use: (state: StateDatabase, paths: RepositoryHome) => T,
): T | undefined {
  const repository = repositoryAt(home, location)
  if (repository === undefined) return undefined
  const paths = openRepositoryHome(home, repository)
  const state = openStateDatabase(paths)
  try {
    return use(state, paths)
  } finally {
    state.close()
  }
}
