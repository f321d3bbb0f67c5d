/**
 * The disk as one side of a comparison: the entries that a backup of the snapshot's paths would
 * save now. They are in listing order, under their paths in the snapshot. Only folders are read.
 */
import { errnoText } from "../base/errno.ts"
import { dirname } from "node:path"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, joinPath, parentPath, showPath } from "../base/paths.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { originOf } from "../source/inside.ts"
import { readSelection } from "../source/kept-selection.ts"
import { everything, follow, type Roots, treeOf } from "../source/roots.ts"
import { createSelection } from "../source/select.ts"
import type { Scope, Source } from "../source/source.ts"
import type { Stat } from "../system/stat.ts"
import { walk } from "../source/walk.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { Repository } from "../session/repository.ts"
import { warn } from "../session/session.ts"
import type { SnapshotRecord } from "../log/view.ts"

export interface DiskEntry {
  /** Path in the snapshot. */
  readonly path: RawPath
  /** Path on the disk, below the source's root. */
  readonly inside: RawPath
  readonly stat: Stat
}

export interface DiskSide {
  readonly source: Source
  entries(): Generator<DiskEntry>
  /** Whether the disk couldn't be read at this path. */
  isUnread(path: RawPath): boolean
}

export interface DiskRequest {
  /** Absolute raw path to compare with `within`. Default: where the snapshot was taken. */
  readonly folder: RawPath | undefined
  readonly within: RawPath
  /** The snapshot's entry at `within`. */
  readonly entry: Entry | undefined
}

export function openDiskSide(
  repository: Repository,
  snapshot: SnapshotRecord,
  request: DiskRequest,
): DiskSide {
  const { within, folder, entry } = request
  const prefix =
    folder === undefined ? ("" as RawPath) : entry?.type === "directory" ? within : parentPath(within)
  const roots =
    folder === undefined ? rootsOf(snapshot) : snapshot.single ? oneEntry(folder, entry) : everything(folder)
  const source = openDiskSource(roots)
  const unread: RawPath[] = []
  const tell = (inside: RawPath, error: string): void => {
    if (inside === "") throw noFolder(roots.base, error)
    unread.push(joinPath(prefix, inside))
    warn(repository, `${showPath(inside)}: cannot be read: ${errnoText(error)}. It was not compared`)
  }
  const toSnapshot = (inside: RawPath): RawPath => (inside === "" ? prefix : joinPath(prefix, inside))
  const isWanted = (inside: RawPath): boolean => {
    const path = toSnapshot(inside)
    return isWithin(path, within) || isWithin(within, path)
  }
  return {
    source,
    isUnread: (path) => unread.some((each) => isWithin(path, each)),
    *entries() {
      const scope = narrowed(selection(repository, { snapshot, source, named: roots.named }), isWanted)
      for (const { folder: at, from, to } of walk(source, scope, { unreadable: tell })) {
        if (at.path === "" && from === 0 && !snapshot.single && isWithin(prefix, within)) {
          yield { path: prefix, inside: "" as RawPath, stat: at.stat }
        }
        for (let i = from; i < to; i++) {
          const inside = joinPath(at.path, at.names[i] as RawPath)
          const stat = at.stats[i] as Stat // stats are parallel to names
          const path = toSnapshot(inside)
          if (stat.type !== "socket" && isWithin(path, within)) yield { path, inside, stat }
        }
      }
    },
  }
}

function rootsOf({ options, paths, shortId, single }: SnapshotRecord): Roots {
  const { base, renamed } = options
  if (base === undefined) throw noOrigin(`snapshot ${shortId} was not taken from a folder`)
  if (renamed !== undefined) throw noOrigin(`parts of snapshot ${shortId} were saved under other names`)
  if (paths.length === 1 && paths[0] === base) return everything(follow(base))
  const named = paths.map((path) => path.slice(base === "/" ? 1 : base.length + 1) as RawPath)
  return { ...everything(follow(base)), tree: treeOf(named), single, paths, named }
}

function noOrigin(what: string): EngineError {
  return new EngineError("invalid", "no-folder", `${what}. Name a folder to compare with: --with FOLDER`)
}

function oneEntry(folder: RawPath, entry: Entry | undefined): Roots {
  return { ...everything(folder), tree: treeOf(entry === undefined ? [] : [entry.path]), single: true }
}

interface Looked {
  readonly snapshot: SnapshotRecord
  readonly source: Source
  readonly named: readonly RawPath[]
}

function selection(repository: Repository, { snapshot, source, named }: Looked): Scope {
  const { folder } = repository.store
  const own = [
    ...(folder === undefined ? [] : [{ kind: "repository" as const, path: folder }]),
    ...[repository.home.identityFolder, dirname(repository.home.statePath)].map((path) => ({
      kind: "home" as const,
      path,
    })),
  ]
  const kept = readSelection(snapshot.options["selection"])
  return createSelection({ ...kept, own, named, origin: originOf(snapshot) }, source, {
    ownLeftOut: () => {},
    unreadable: (path, error) => {
      warn(repository, `${showPath(path)}: its patterns cannot be read: ${errnoText(error)}`)
    },
  })
}

/** Doesn't enter folders that can't contain a wanted path. */
function narrowed(scope: Scope, isWanted: (path: RawPath) => boolean): Scope {
  return {
    enters: (directory, stat) => isWanted(directory) && scope.enters(directory, stat),
    inside: (directory, stat, names) => narrowed(scope.inside(directory, stat, names), isWanted),
    keeps: (path, name, stat) => isWanted(path) && scope.keeps(path, name, stat),
    keepsUnread: (path, name) => isWanted(path) && scope.keepsUnread(path, name),
  }
}

function noFolder(base: string, error: string): EngineError {
  const found =
    error === "ENOENT"
      ? "no such folder"
      : error === "ENOTDIR"
        ? "not a folder"
        : `cannot be read: ${errnoText(error)}`
  return new EngineError(
    "not-found",
    "no-source",
    `${showPath(base)}: ${found}. Name another folder to compare with: --with FOLDER`,
  )
}
