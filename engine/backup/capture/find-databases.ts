/**
 * The first pass of a run with capture: walks the source within its scope, before the scan, and finds what may be a
 * SQLite database: files with a usual name, or with a log or journal beside them. Their first bytes decide, and the
 * child process reads those: a process that closes a file loses all its locks on it, and this one may have the
 * database open. spec/files.md.
 */
import type { RawPath } from "../../base/ids.ts"
import { joinPath } from "../../base/paths.ts"
import type { Scope, Source } from "../../source/source.ts"
import { type Folder, walk } from "../../source/walk.ts"
import type { Stat } from "../../system/stat.ts"
import { type Look, lookAtDatabase } from "./fingerprint.ts"

export interface FoundDatabase {
  /** In the snapshot. */
  readonly path: RawPath
  readonly stat: Stat
  readonly look: Look
  /** Without the first bytes of a database it is one all the same: an encrypted one, or one that is damaged. */
  readonly isLikely: boolean
}

const SUFFIXES = [".sqlite", ".sqlite3", ".db", ".db3", ".vscdb"]
/** Names that other programs don't use for other files. */
const SURE_SUFFIXES = [".sqlite", ".sqlite3"]

export function findDatabases(source: Source, scope: Scope | undefined, nowNs: bigint): FoundDatabase[] {
  const found: FoundDatabase[] = []
  for (const { folder, from } of walk(source, scope, { unreadable: () => {} })) {
    if (from > 0) continue
    for (const position of candidates(folder)) {
      const stat = folder.stats[position] as Stat
      const path = joinPath(folder.path, folder.names[position] as RawPath)
      const look = lookAtDatabase(source, path, stat, nowNs)
      // an empty file with a log beside it is a database whose first transaction is in the log
      if (stat.size > 0) found.push({ path, stat, look, isLikely: isLikely(path, look) })
      else if (look.hasWal) found.push({ path, stat, look, isLikely: true })
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

function isLikely(path: RawPath, { hasWal, hasJournal }: Look): boolean {
  return hasWal || hasJournal || SURE_SUFFIXES.some((suffix) => path.endsWith(suffix))
}
