/** `ls`: the entries of a snapshot, of one sub-tree, or of one folder alone. spec/listing.md. */
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
  /** Only this path and what lies below it. */
  readonly within?: RawPath | undefined
  /** False: of what lies below, only the folder's own entries. Default true. */
  readonly recursive?: boolean | undefined
}

/** From here on it is cheaper to jump over the rest of a sub-folder than to read through it. */
const PASSED_MAX = 2_000

/** In listing order; nothing when there is no such path. A damaged part is noted in the repository, and left out. */
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
        from = `${child}\0` as RawPath // after all that lies below `child`, before any other name
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
