/**
 * `find`: searches all snapshots for entries by name. A part that several snapshots share is
 * searched once, so the cost depends on the differences and not on the number of snapshots.
 */
import { toHex } from "../base/bytes.ts"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, rawPathFromText } from "../base/paths.ts"
import { originOf, patternsInside, type Origin } from "../source/inside.ts"
import { patternSet } from "../source/patterns.ts"
import type { Entry } from "../format/listing-entry.ts"
import { openNode, rootRef, type NodeRef } from "../listing/node-ref.ts"
import { NODES_AT_ONCE, type LoadNodes } from "../listing/ordered-walk.ts"
import { loadEach } from "../listing/walk.ts"
import type { Repository } from "../session/repository.ts"
import type { SnapshotFilter } from "../log/view.ts"
import { readOr } from "../session/session.ts"
import { openNodeReader } from "./node-reader.ts"
import { snapshots, type Snapshot } from "./snapshots.ts"

export interface FoundEntry {
  readonly snapshot: Snapshot
  readonly entry: Entry
}

export interface FindRequest {
  /** In gitignore's syntax. */
  readonly patterns: readonly string[]
  readonly ignoreCase?: boolean | undefined
  /** Modified at this time or earlier. */
  readonly newestNs?: bigint | undefined
  /** Modified at this time or later. */
  readonly oldestNs?: bigint | undefined
  /** Only in these snapshots; replaces the filter. */
  readonly within?: readonly Snapshot[] | undefined
}

/** Yields the newest snapshot first, and each one's entries in listing order. */
export async function* findEntries(
  repository: Repository,
  request: FindRequest,
  filter: SnapshotFilter = {},
): AsyncGenerator<FoundEntry> {
  const nodes = openNodeReader(repository)
  /** By the folder that the snapshots were taken from, since absolute patterns are relative to it. */
  const searches = new Map<string, Omit<Search, "load">>()
  const all = request.within ?? (await snapshots(repository, filter))
  for (const snapshot of all.toReversed()) {
    const load = nodes.listing(snapshot.series)
    const origin = originOf(snapshot)
    const base = origin.bases[0] ?? ""
    const how = searches.get(base) ?? { repository, isMatch: matcher(request, origin), searched: new Map() }
    searches.set(base, how)
    for (const entry of await search([rootRef(snapshot.root)], { ...how, load })) {
      yield { snapshot, entry }
    }
  }
}

interface Search {
  readonly repository: Repository
  readonly load: LoadNodes
  /** Matches below a node, by the node's id. */
  readonly searched: Map<string, readonly Entry[]>
  isMatch(this: void, entry: Entry): boolean
}

/** A damaged node is noted in the repository and has no matches. */
async function search(refs: readonly NodeRef[], how: Search): Promise<readonly Entry[]> {
  const { searched, isMatch } = how
  const each = loadEach(how.load)
  const unknown = refs.filter(({ id }) => !searched.has(toHex(id)))
  for (let start = 0; start < unknown.length; start += NODES_AT_ONCE) {
    const batch = unknown.slice(start, start + NODES_AT_ONCE)
    const loaded = await each.load(batch.map(({ id }) => id))
    for (const [i, ref] of batch.entries()) {
      const found = await readOr(how.repository, [], async () => {
        const bytes = loaded[i] as Uint8Array // a load returns one node per id
        const error = each.lost.get(bytes)
        if (error !== undefined) throw error
        const opened = openNode(ref, bytes)
        return opened.refs === undefined ? opened.entries.filter(isMatch) : await search(opened.refs, how)
      })
      searched.set(toHex(ref.id), found)
    }
  }
  return refs.flatMap(({ id }) => searched.get(toHex(id)) ?? [])
}

/**
 * Applies gitignore's patterns to the entry itself: a matching folder is found without its content.
 * A pattern without a slash is matched with the name, one with a slash with the whole path.
 */
function matcher(
  { patterns, ignoreCase, newestNs, oldestNs }: FindRequest,
  origin: Origin,
): (entry: Entry) => boolean {
  const typed = patterns.filter((pattern) => pattern.trim() !== "").map(rawPathFromText)
  const raw = typed.flatMap((pattern) => patternsInside(origin, pattern, true))
  if (raw.length === 0) throw new EngineError("invalid", "no-pattern", "find needs a pattern, e.g. '*.md'")
  const names = setOf(
    raw.filter((pattern) => !pattern.slice(0, -1).includes("/")),
    ignoreCase,
  )
  const paths = setOf(
    raw.filter((pattern) => pattern.slice(0, -1).includes("/")),
    ignoreCase,
  )
  return ({ path, type, mtimeNs }) => {
    if (path === "") return false
    if (newestNs !== undefined && mtimeNs > newestNs) return false
    if (oldestNs !== undefined && mtimeNs < oldestNs) return false
    const isFolder = type === "directory"
    return names?.verdict(baseName(path), isFolder) === "leave" || paths?.verdict(path, isFolder) === "leave"
  }
}

function setOf(
  patterns: readonly RawPath[],
  ignoreCase: boolean | undefined,
): ReturnType<typeof patternSet> | undefined {
  return patterns.length === 0
    ? undefined
    : patternSet("" as RawPath, patterns.join("\n") as RawPath, ignoreCase)
}
