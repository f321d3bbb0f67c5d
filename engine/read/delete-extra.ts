/**
 * What stands in the target and not in the snapshot. `--delete`: it goes. Only in folders that the snapshot
 * has and that were asked for as a whole, and never: what the patterns leave out, what the backup could not
 * read, the repository itself and holdfast's own state, or a folder that holds them.
 */
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, joinPath, showPath } from "../base/paths.ts"
import type { Target } from "../files/target.ts"
import type { Repository } from "../trust/repository-ports.ts"
import { ownPathsIn } from "./own-places.ts"
import { failureOf } from "./placer.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"
import type { Selected } from "./selected.ts"

export interface ExtraRemover {
  /** Whether it must be known what belongs in a folder; `isWhole`: it was asked for with all that is in it. */
  covers(isWhole: boolean): boolean
  /** Whether it may go, was there, and is gone. */
  remove(path: RawPath): boolean
  /** By folder that is covered, the paths of the snapshot in it. `isLost`: there may be more that nobody knows. */
  removeBut(names: ReadonlyMap<RawPath, ReadonlySet<RawPath>>, isLost: boolean): void
}

/** What is extra stays. */
export const keepExtra: ExtraRemover = { covers: () => false, remove: () => false, removeBut() {} }

/**
 * In a folder that a killed restore has left, to be published as a whole: everything goes that this run did
 * not find right or place, half files among it. Throws when something can't go.
 */
export function removeUnplaced({ target, progress }: Pick<Removing, "target" | "progress">): ExtraRemover {
  const remove = (path: RawPath): boolean => target.removeExtra(path) > 0
  return {
    covers: () => true,
    remove,
    removeBut(names) {
      for (const [folder, known] of names)
        for (const path of pathsIn(target, folder))
          if (!known.has(path) || !progress.isPlaced(path)) remove(path)
    },
  }
}

export interface Removing {
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly selected: Selected
}

/** For `--delete`. Reports what can't go; throws nothing about a single entry. */
export function deleteExtra(repository: Repository, removing: Removing): ExtraRemover {
  const { request, target, progress, selected } = removing
  const own = ownPathsIn(repository, target.root)
  const { skipped, skippedCount } = request.snapshot
  const within = request.within ?? ("" as RawPath)
  let isTold = false

  /** Why it stays; undefined when it may go, "" when nothing need be said. */
  const reasonToStay = (path: RawPath): string | undefined => {
    if (own.some((each) => overlap(each, path))) return "holdfast's own data lies there"
    const inSnapshot = joinPath(within, path)
    if (skippedCount > skipped.length) return "the backup could not read everything"
    if (skipped.some((each) => overlap(each.path, inSnapshot))) return "the backup could not read it"
    const type = target.look(path)?.type === "directory" ? "directory" : "file"
    return selected.place({ path: inSnapshot, type }) === undefined ? "" : undefined
  }
  /** A folder may hold what the patterns leave out: then it stays, and the rest of it goes. */
  const keepsSome = (folder: RawPath): boolean => {
    if ((request.exclude ?? []).length === 0 || target.look(folder)?.type !== "directory") return false
    const kept = pathsIn(target, folder).filter((path) => !remove(path))
    return kept.length > 0
  }
  const remove = (path: RawPath): boolean => {
    try {
      const reason = reasonToStay(path)
      if (reason === undefined && keepsSome(path)) return false
      if (reason === undefined) {
        target.removeExtra(path)
        progress.entry(path, "deleted", 0)
        return true
      }
      if (reason !== "" && !isTold) progress.notice(`not deleted: ${showPath(path)}, since ${reason}`)
      isTold ||= skippedCount > skipped.length
    } catch (error) {
      if (!isEngineError(error)) throw error
      progress.failed({ path, ...failureOf(error) })
    }
    return false
  }
  return {
    covers: (isWhole) => isWhole,
    remove,
    removeBut(names, isLost) {
      if (isLost) return progress.notice("nothing was deleted, since a part of the listing is damaged")
      for (const [folder, known] of names)
        for (const path of pathsIn(target, folder)) if (!known.has(path)) remove(path)
    },
  }
}

function pathsIn(target: Target, folder: RawPath): RawPath[] {
  return target.list(folder).map((name) => joinPath(folder, name))
}

function overlap(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a)
}
