/**
 * Walks every entry of a source in listing order, the first stage of a backup. A folder's entries are read
 * together, so that the caller can compare the whole folder with its record of the last run. The walk holds
 * only the folders from the root to the current one, so its memory grows with the largest folders on one
 * path, not with the tree. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { PATH_BYTES_MAX } from "../base/listing-limits.ts"
import { joinPath } from "../base/paths.ts"
import type { Scope, Source } from "./source.ts"
import { isFailure, type Failure, type Stat } from "../system/stat.ts"

export interface Folder {
  readonly path: RawPath
  readonly stat: Stat
  /** The kept entries, sorted by bytes; parallel to `stats`. */
  readonly names: readonly RawPath[]
  readonly stats: readonly Stat[]
}

/**
 * The entries `from` to `to` of a folder, next in listing order. A run ends after a sub-folder, whose own
 * runs follow, or with the folder. A folder's first run has `from` 0, even if it is empty. Its last one has
 * `to` equal to the number of names and `ends` true.
 */
export interface Run {
  readonly folder: Folder
  readonly from: number
  readonly to: number
  readonly ends: boolean
}

/** A path that is too long for a snapshot. It is reported for its folder. */
const TOO_LONG: Failure = {
  error: `it contains paths of more than ${PATH_BYTES_MAX} bytes, which can't be saved`,
}

export interface WalkObserver {
  /**
   * Called for an entry that should be kept but can't be read. `error` is the system's code or a sentence.
   */
  unreadable(path: RawPath, error: string): void
}

interface Frame {
  readonly folder: Folder
  readonly scope: Scope | undefined
  next: number
}

/** Never throws. Yields nothing if the root is not a folder or can't be read. */
export function* walk(
  source: Source,
  selection: Scope | undefined,
  observer: WalkObserver,
): Generator<Run, void, undefined> {
  const root = source.stat("" as RawPath)
  if (isFailure(root) || root.type !== "directory") {
    observer.unreadable("" as RawPath, isFailure(root) ? root.error : "ENOTDIR")
    return
  }
  const stack = [readFolder(source, "" as RawPath, root, { scope: selection, observer })]
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { folder } = frame
    const from = frame.next
    const to = endOfRun(folder, from)
    frame.next = to
    // the frame is popped before the yield; a run without entries exists only for an empty folder
    const ends = to === folder.names.length
    if (ends) stack.pop()
    yield { folder, from, to, ends }
    const name = folder.names[to - 1]
    const stat = folder.stats[to - 1]
    if (name === undefined || stat?.type !== "directory") continue
    const path = joinPath(folder.path, name)
    stack.push(readFolder(source, path, stat, { scope: frame.scope, observer }))
  }
}

function endOfRun(folder: Folder, from: number): number {
  const { stats } = folder
  for (let i = from; i < stats.length; i++) if (stats[i]?.type === "directory") return i + 1
  return stats.length
}

interface Surroundings {
  readonly scope: Scope | undefined
  readonly observer: WalkObserver
}

function readFolder(source: Source, path: RawPath, stat: Stat, around: Surroundings): Frame {
  const { observer } = around
  if (around.scope?.enters(path, stat) === false)
    return frame({ path, stat, names: [], stats: [] }, undefined)
  const names = source.list(path)
  if (isFailure(names)) {
    observer.unreadable(path, names.error)
    return frame({ path, stat, names: [], stats: [] }, undefined)
  }
  const scope = around.scope?.inside(path, stat, names)
  const kept: RawPath[] = []
  const stats: Stat[] = []
  let hasTooLong = false
  const known = source.statAll?.(path, names)
  for (const [i, name] of names.entries()) {
    const child = path === "" ? name : (`${path}/${name}` as RawPath)
    const found = child.length > PATH_BYTES_MAX ? TOO_LONG : (known?.[i] ?? source.stat(child))
    if (isFailure(found)) {
      // ENOENT: the entry was removed since the folder was listed
      if (found.error === "ENOENT" || scope?.keepsUnread(child, name) === false) continue
      if (found !== TOO_LONG) observer.unreadable(child, found.error)
      hasTooLong ||= found === TOO_LONG
    } else if (scope === undefined || scope.keeps(child, name, found)) {
      kept.push(name)
      stats.push(found)
    }
  }
  if (hasTooLong) observer.unreadable(path, TOO_LONG.error)
  return frame({ path, stat, names: kept, stats }, scope)
}

function frame(folder: Folder, scope: Scope | undefined): Frame {
  return { folder, scope, next: 0 }
}
