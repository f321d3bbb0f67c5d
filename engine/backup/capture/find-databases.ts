/**
 * The first pass of a run with capture: walks the source within its scope, before the scan, and finds the SQLite
 * databases. Candidates are files with a usual name, or with a log or journal beside them; their first bytes
 * decide. spec/files.md.
 */
import type { RawPath } from "../../base/ids.ts"
import { joinPath } from "../../base/paths.ts"
import type { Scope, Source } from "../../source/source.ts"
import { type Folder, walk } from "../../source/walk.ts"
import type { Stat } from "../../system/stat.ts"
import { type Look, lookAtDatabase, startOf } from "./fingerprint.ts"

export interface FoundDatabase {
  /** In the snapshot. */
  readonly path: RawPath
  readonly stat: Stat
  readonly look: Look
  /** It begins as SQLite databases do. Others are encrypted or something else. */
  readonly isDatabase: boolean
}

const SUFFIXES = [".sqlite", ".sqlite3", ".db", ".db3", ".vscdb"]
/** Names that other programs don't use for other files. */
const SURE_SUFFIXES = [".sqlite", ".sqlite3"]
const MAGIC = "SQLite format 3\0"

/** @param known the paths whose first bytes need not be read, if the fingerprint is the known one */
export function findDatabases(
  source: Source,
  scope: Scope | undefined,
  { nowNs, isKnown }: { nowNs: bigint; isKnown: (path: RawPath, look: Look) => boolean },
): FoundDatabase[] {
  const found: FoundDatabase[] = []
  for (const { folder, from } of walk(source, scope, { unreadable: () => {} })) {
    if (from > 0) continue
    for (const position of candidates(folder)) {
      const stat = folder.stats[position] as Stat
      const path = joinPath(folder.path, folder.names[position] as RawPath)
      const look = lookAtDatabase(source, path, stat, nowNs)
      if (isKnown(path, look)) {
        found.push({ path, stat, look, isDatabase: true })
        continue
      }
      const isDatabase = stat.size === 0 ? look.hasWal : startOf(source, path, MAGIC.length) === MAGIC
      if (isDatabase || (stat.size > 0 && isLikely(path, look))) found.push({ path, stat, look, isDatabase })
    }
  }
  return found
}

/** Positions of files that may be databases. */
function candidates({ names, stats }: Folder): Set<number> {
  const found = new Set<number>()
  for (const [position, name] of names.entries()) {
    if (SUFFIXES.some((suffix) => name.endsWith(suffix))) found.add(position)
    const main = /^(.+)-(?:wal|journal)$/.exec(name)?.[1]
    const at = main === undefined ? -1 : names.indexOf(main as RawPath)
    if (at >= 0) found.add(at)
  }
  for (const position of found) if (stats[position]?.type !== "file") found.delete(position)
  return found
}

/** A file without the first bytes of a database that is one all the same: an encrypted one, or one that is damaged. */
function isLikely(path: RawPath, { hasWal, hasJournal }: Look): boolean {
  return hasWal || hasJournal || SURE_SUFFIXES.some((suffix) => path.endsWith(suffix))
}
