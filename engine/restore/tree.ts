/**
 * What a restore knows of the snapshot and of the target while it runs. `decide.ts` changes it entry by entry;
 * `finish.ts` reads it at the end. Contains the decided files, folders and links, and the folders of the
 * target that existed before.
 */
import type { RawPath } from "../base/ids.ts"
import { joinPath, parentPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import type { Stat } from "../system/stat.ts"
import type { Metadata, Target } from "../target/target.ts"
import type { ExtraRemover } from "./delete-extra.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"
import type { Selected } from "./selected.ts"

/** A file that may have to be written. */
export interface DecidedFile {
  readonly path: RawPath
  readonly entry: Entry
  readonly ids: Uint8Array
  /** What the target has under its name, of whatever type. */
  readonly existing: Stat | undefined
}

export interface Tree {
  readonly folders: { path: RawPath; entry: Entry }[]
  /** Links and special files, for after all files. */
  readonly later: { path: RawPath; entry: Entry; linkTo: RawPath | undefined }[]
  /** The snapshot's paths in each folder from which extra entries are to be removed. */
  readonly names: Map<RawPath, Set<RawPath>>
  /** Folders that this run made: they were empty. */
  readonly made: Set<RawPath>
  readonly failedFolders: Set<RawPath>
  /** Files of the snapshot in folders that existed before. Other files there are not this restore's. */
  readonly files: Set<RawPath>
  /** Part of the listing is damaged: entries of folders may be missing, and entries in them. */
  lost: boolean
  /** By a first link that is not wanted: the first of its other names that is. */
  readonly firstLinks: Map<RawPath, RawPath>
}

/** @param isEmpty the target is empty */
export function createTree(isEmpty: boolean): Tree {
  return {
    folders: [],
    later: [],
    names: new Map(),
    made: new Set(isEmpty ? ["" as RawPath] : []),
    failedFolders: new Set(),
    files: new Set(),
    lost: false,
    firstLinks: new Map(),
  }
}

/** What the stages before and after the files need of one restore. */
export interface Deciding {
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly selected: Selected
  readonly tree: Tree
  readonly extra: ExtraRemover
  readonly standing: StandingFolders
  readonly readLists: LoadNodes
  /** Folders above the current entry that nothing has needed yet. */
  readonly unmade: { path: RawPath; entry: Entry }[]
}

export function metadataOf(of: Metadata): Metadata {
  const { mode, mtimeNs, uid, gid, xattrs } = of
  return { mode, mtimeNs, uid, gid, xattrs }
}

/** The metadata that a path of the target has now. */
export function standingMetadata(target: Target, path: RawPath, stat: Stat): Metadata {
  const { mode, mtimeNs, uid, gid } = stat
  return { mode, mtimeNs, uid, gid, xattrs: target.attributes(path) }
}

/**
 * Folders of the target that existed before. One keeps its own mode, owner, times and attributes if it contains
 * anything that is not the restore's: `restore --target /tmp --include x` changes nothing of /tmp. A folder that is
 * new, was empty, or contains only entries of the snapshot at the end takes the snapshot's. Rule F17 of spec/files.md.
 */
export interface StandingFolders {
  /** Call it before anything is placed in the folder. */
  meet(path: RawPath): void
  /** Notes that an entry of the snapshot that was asked for has this place. */
  belongs(path: RawPath): void
  /** What the folder keeps; undefined when it takes the snapshot's metadata. Call it at the end. */
  kept(path: RawPath): Metadata | undefined
}

interface Standing {
  readonly stat: Stat
  /** Its entries that the snapshot has not been found to have. */
  readonly others: Set<RawPath>
}

export function standingFolders(target: Target): StandingFolders {
  const met = new Map<RawPath, Standing>()
  return {
    meet(path) {
      if (met.has(path)) return
      const stat = target.look(path)
      if (stat?.type !== "directory") return
      const others = new Set(target.list(path).map((name) => joinPath(path, name)))
      if (others.size > 0) met.set(path, { stat, others })
    },
    belongs(path) {
      met.get(parentPath(path))?.others.delete(path)
    },
    kept(path) {
      const standing = met.get(path)
      if (standing === undefined) return undefined
      // extra entries may have been deleted meanwhile
      if (![...standing.others].some((other) => target.look(other) !== undefined)) return undefined
      return standingMetadata(target, path, standing.stat)
    },
  }
}
