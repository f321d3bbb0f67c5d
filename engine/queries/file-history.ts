/**
 * `log PATH`: lists the versions of one file in a series' snapshots. Each snapshot costs one look-up.
 * Snapshots with the same listing, or the same node for the path, share it.
 */
import { toHex } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { originOf, pathsInside } from "../source/inside.ts"
import { equalEntries, type Entry } from "../format/listing-entry.ts"
import { lookUp } from "../listing/look-up.ts"
import type { ListingRoot } from "../listing/node-ref.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import type { Repository } from "../session/repository.ts"
import type { SnapshotFilter } from "../log/view.ts"
import { readOr } from "../session/session.ts"
import { openNodeReader } from "./node-reader.ts"
import { snapshots, type Snapshot } from "./snapshots.ts"

export interface FileVersion {
  /** The oldest snapshot with this version. */
  readonly snapshot: Snapshot
  /** Undefined: the file is gone from this snapshot on. */
  readonly entry: Entry | undefined
  /** How many later snapshots of the series in a row have the same version. */
  readonly folded: number
}

const UNREAD = Symbol("unread")

/**
 * Yields versions newest first, separately per series; nothing if no snapshot has the path. `path`
 * is inside the snapshots, or absolute and resolved by each snapshot's source.
 */
export async function* fileHistory(
  repository: Repository,
  path: RawPath,
  filter: SnapshotFilter = {},
): AsyncGenerator<FileVersion> {
  const nodes = openNodeReader(repository)
  const versions: { snapshot: Snapshot; entry: Entry | undefined; folded: number }[] = []
  const last = new Map<string, { looked: string; version: (typeof versions)[number] }>()
  for (const snapshot of await snapshots(repository, filter)) {
    const { series, root } = snapshot
    const before = last.get(series)
    const places = pathsInside(originOf(snapshot), path)
    const looked = [toHex(root.id), ...places].join("\0")
    const isSame = before !== undefined && before.looked === looked
    const entry = isSame
      ? before.version.entry
      : await readOr(repository, UNREAD, () => firstOf(root, nodes.listing(series), places))
    if (entry === UNREAD) continue
    if (before !== undefined && (isSame || sameVersion(before.version.entry, entry))) {
      before.looked = looked
      before.version.folded++
      continue
    }
    if (before === undefined && entry === undefined) continue // not there yet
    const version = { snapshot, entry, folded: 0 }
    versions.push(version)
    last.set(series, { looked, version })
  }
  yield* versions.toReversed()
}

async function firstOf(
  root: ListingRoot,
  load: LoadNodes,
  places: readonly RawPath[],
): Promise<Entry | undefined> {
  for (const place of places) {
    const entry = await lookUp(root, load, place)
    if (entry !== undefined) return entry
  }
  return undefined
}

/** The file's other names aren't part of its version. */
function sameVersion(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return equalEntries({ ...a, hardLink: null }, { ...b, hardLink: null })
}
