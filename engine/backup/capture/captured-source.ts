/**
 * A source whose databases were captured: each shows the size of its copy and a number that is new with every copy,
 * so that the scan finds it changed exactly when it was copied. Its content is read from the copy. What SQLite
 * keeps beside it is not listed. Everything else is the source's own.
 */
import { EngineError } from "../../base/errors.ts"
import { SIDE_FILES } from "../../base/sqlite.ts"
import type { RawPath } from "../../base/ids.ts"
import { baseName, parentPath } from "../../base/paths.ts"
import type { CapturedContent, Source } from "../../source/source.ts"
import { isFailure, type Failure, type Stat } from "../../system/stat.ts"

export interface Capture {
  readonly path: RawPath
  /** Undefined: the file is read as it is. */
  readonly shown: Shown | undefined
  readonly content: CapturedContent
  /** Absolute raw path of the copy. Undefined for a database that was not copied again. */
  readonly copy: string | undefined
  /** Left out of the listing: the file itself too if it can't be saved. */
  readonly isLeftOut: boolean
  /** Why there is no copy. */
  readonly reason?: string | undefined
}

/** What replaces the file's own values. */
export interface Shown {
  readonly size: number
  readonly mtimeNs: bigint
  /** Not a time: the number of the copy. */
  readonly ctimeNs: bigint
  readonly blocks: number
}

interface InFolder {
  readonly captures: Map<RawPath, Capture>
  readonly hidden: Set<RawPath>
}

/** @param ownName of the folder with the copies, which may be in the source */
export function capturedSource(source: Source, captures: readonly Capture[], ownName: string): Source {
  const folders = byFolder(captures)
  const find = (path: RawPath): Capture | undefined =>
    folders.get(parentPath(path))?.captures.get(baseName(path))
  const show = (stat: Stat | Failure, capture: Capture | undefined): Stat | Failure =>
    isFailure(stat) || stat.type !== "file" || capture?.shown === undefined
      ? stat
      : { ...stat, ...capture.shown }
  return {
    ...source,
    list(directory) {
      const names = source.list(directory)
      if (isFailure(names)) return names
      const hidden = folders.get(directory)?.hidden
      return names.filter((name) => name !== ownName && hidden?.has(name) !== true)
    },
    stat: (path) => show(source.stat(path), find(path)),
    statAll(directory, names) {
      const stats = source.statAll?.(directory, names)
      const inside = folders.get(directory)
      if (stats === undefined || inside === undefined) return stats
      return stats.map((stat, i) => show(stat, inside.captures.get(names[i] as RawPath)))
    },
    anchored(path) {
      const capture = find(path)
      if (capture?.shown === undefined) return source.anchored(path)
      // the scan wants to read a database that was unchanged: the run begins again without its caches
      if (capture.copy === undefined)
        throw new EngineError("not-found", "record-lost", "the file cache has lost a database's record")
      return { anchor: -1, path: capture.copy }
    },
    captured: (path) => find(path)?.content,
  }
}

function byFolder(captures: readonly Capture[]): Map<RawPath, InFolder> {
  const folders = new Map<RawPath, InFolder>()
  for (const capture of captures) {
    const folder = parentPath(capture.path)
    const name = baseName(capture.path)
    const inside: InFolder = folders.get(folder) ?? { captures: new Map(), hidden: new Set() }
    folders.set(folder, inside)
    inside.captures.set(name, capture)
    const isRaw = capture.shown === undefined && !capture.isLeftOut
    for (const end of SIDE_FILES) {
      const side = (name + end) as RawPath
      // without its log a database that is read as it is would lack the newest transactions
      if (isRaw && end !== "-shm")
        inside.captures.set(side, { ...capture, path: (capture.path + end) as RawPath })
      else inside.hidden.add(side)
    }
    if (capture.isLeftOut) inside.hidden.add(name)
  }
  return folders
}
