/** `ls`: lists the entries of a snapshot, of a sub-tree, or of one folder. spec/listing.md. */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { parentPath, showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkListing, type ListingRange, type LostNode } from "../listing/walk.ts"
import type { Repository } from "../session/repository.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { noteUnread } from "../session/session.ts"
import { openNodeReader } from "./node-reader.ts"

export interface EntriesRequest {
  /** Only this path and paths below it. */
  readonly within?: RawPath | undefined
  /** False: only the folder's own entries. Default true. */
  readonly recursive?: boolean | undefined
}

/** After this many entries of a sub-folder, jumping over the rest is cheaper than reading it. */
const PASSED_MAX = 2_000

/**
 * Yields entries in listing order, and nothing if the path doesn't exist. Damaged parts are skipped
 * and noted in the repository.
 */
export async function* entries(
  repository: Repository,
  { root, series }: Pick<SnapshotRecord, "root" | "series">,
  { within = "" as RawPath, recursive = true }: EntriesRequest = {},
): AsyncGenerator<Entry> {
  const load = openNodeReader(repository).listing(series)
  const onLost = (lost: LostNode): void => noteUnread(repository, [lostPart(lost)])
  if (recursive) return yield* walkListing(root, load, { within, onLost })
  let from: RawPath | undefined = within
  while (from !== undefined) {
    const range: ListingRange = { within, from, batch: 4, onLost }
    from = undefined
    let child = within
    let passed = 0
    for await (const entry of walkListing(root, load, range)) {
      const isOwn = entry.path === within || (entry.path !== "" && parentPath(entry.path) === within)
      if (isOwn) {
        child = entry.path
        passed = 0
        yield entry
      } else if (++passed > PASSED_MAX) {
        from = `${child}\0` as RawPath // after everything below `child`, before any other name
        break
      }
    }
  }
}

function lostPart({ first, upper, error }: LostNode): EngineError {
  const from = first === undefined || first === "" ? "" : ` from ${showPath(first)} on`
  const to = upper === undefined ? "" : ` up to ${showPath(upper)}`
  return new EngineError("corrupt", error.code, `the listing${from}${to} is damaged: ${error.message}`, {
    detail: error.detail,
  })
}
