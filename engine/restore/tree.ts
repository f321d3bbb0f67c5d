/**
 * Folders of the target that were there before. One keeps its own mode, owner, times and attributes when anything in
 * it is not the restore's: `restore --target /tmp --include x` changes nothing of /tmp. One that is new, was empty, or
 * has nothing but entries of the snapshot in the end takes the snapshot's. Rule F17 of spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { joinPath, parentPath } from "../base/paths.ts"
import type { Stat } from "../system/stat.ts"
import type { Metadata, Target } from "../target/target.ts"

export interface StandingFolders {
  /** To be called before anything is placed in the folder. */
  meet(path: RawPath): void
  /** An entry of the snapshot that was asked for has this place. */
  belongs(path: RawPath): void
  /** What the folder had; undefined when it takes the snapshot's metadata. To be called in the end. */
  kept(path: RawPath): Metadata | undefined
}

interface Standing {
  readonly stat: Stat
  /** What was in it and has not been met in the snapshot. */
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
      // what was extra may have been deleted meanwhile
      if (![...standing.others].some((other) => target.look(other) !== undefined)) return undefined
      const { mode, mtimeNs, uid, gid } = standing.stat
      return { mode, mtimeNs, uid, gid, xattrs: target.attributes(path) }
    },
  }
}
