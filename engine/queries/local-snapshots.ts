/**
 * The snapshots of a repository as of this device's last look, from the home's files alone: no store is opened, no
 * secret is read, and no request is made. spec/home.md.
 */
import type { RepositoryId } from "../base/ids.ts"
import { openChunkIndex } from "../chunk-index/sqlite-index.ts"
import { type Home, openRepositoryHome } from "../home/home.ts"
import { repositoryAt } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { openLogTable } from "../log/log-table.ts"
import type { SnapshotFilter, SnapshotRecord } from "../log/view.ts"

export interface LocalSnapshots {
  readonly repository: RepositoryId
  /** Oldest first. */
  readonly snapshots: readonly SnapshotRecord[]
  /** Bytes of the packs that this device knows. */
  readonly packedBytes: number
  /** When the store was last listed, in nanoseconds since 1970; undefined: never. */
  readonly lookedNs: bigint | undefined
}

/**
 * Lists what this device knows of a repository, without a request.
 * @param location as `locationName` gives it
 * @returns undefined if this home has never opened a repository there
 */
export function localSnapshots(
  home: Home,
  location: string,
  filter: SnapshotFilter = {},
): LocalSnapshots | undefined {
  const repository = repositoryAt(home, location)
  if (repository === undefined) return undefined
  const paths = openRepositoryHome(home, repository)
  const lookedNs = readPins(paths).lastLookNs ?? undefined
  const state = openStateDatabase(paths)
  try {
    let packedBytes = 0
    for (const { sizeBytes } of openChunkIndex(state.database).packs()) packedBytes += sizeBytes
    const snapshots = openLogTable(state.database).snapshots(filter)
    return { repository, snapshots, packedBytes, lookedNs }
  } finally {
    state.close()
  }
}
