/**
 * Which entries of a snapshot a restore takes, and where they land. A folder that was asked for by
 * path is the target itself; a file keeps its name. Patterns are gitignore's, relative to the
 * snapshot's root.
 */
import type { RawPath } from "../base/ids.ts"
import { baseName, isWithin, parentPath } from "../base/paths.ts"
import { patternSet } from "../files/patterns.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { RestoreRequest } from "./restore-request.ts"

export interface Selected {
  /** Where the entry lands in the target; undefined when it is not wanted. */
  place(entry: Pick<Entry, "path" | "type">): RawPath | undefined
  /** The same without a look at the patterns. */
  land(entry: Pick<Entry, "path" | "type">): RawPath | undefined
  /** Only what patterns ask for: folders come into being when something in them does. */
  readonly partial: boolean
}

export function selectEntries(request: Pick<RestoreRequest, "within" | "include" | "exclude">): Selected {
  const within = request.within ?? ("" as RawPath)
  const includes = setOf(request.include)
  const excludes = setOf(request.exclude)
  /** The folder that was matched last: all below it shares its fate. */
  let included: RawPath | undefined
  let excluded: RawPath | undefined

  // of folders above `within` no entry comes by, and what they are holds for all below
  for (const above of foldersAbove(within)) {
    if (excluded === undefined && excludes?.verdict(above, true) === "leave") excluded = above
    if (included === undefined && includes?.verdict(above, true) === "leave") included = above
  }

  const wanted = (path: RawPath, isFolder: boolean): boolean => {
    if (path === "") return includes === undefined
    if (excluded !== undefined && isWithin(path, excluded)) return false
    if (excludes?.verdict(path, isFolder) === "leave") {
      if (isFolder) excluded = path
      return false
    }
    if (includes === undefined || (included !== undefined && isWithin(path, included))) return true
    const isIncluded = includes.verdict(path, isFolder) === "leave" // a match, in gitignore's words
    if (isIncluded && isFolder) included = path
    return isIncluded
  }
  const land: Selected["land"] = ({ path, type }) => {
    if (!isWithin(path, within)) return undefined
    if (path === within) return type === "directory" ? ("" as RawPath) : baseName(path)
    return (within === "" ? path : path.slice(within.length + 1)) as RawPath
  }
  return {
    partial: includes !== undefined,
    land,
    place: (entry) => (wanted(entry.path, entry.type === "directory") ? land(entry) : undefined),
  }
}

/** From the top. */
function foldersAbove(path: RawPath): RawPath[] {
  const folders: RawPath[] = []
  for (let above = parentPath(path); above !== ""; above = parentPath(above)) folders.unshift(above)
  return folders
}

function setOf(patterns: readonly RawPath[] | undefined): ReturnType<typeof patternSet> | undefined {
  if (patterns === undefined || patterns.length === 0) return undefined
  return patternSet("" as RawPath, patterns.join("\n") as RawPath)
}
