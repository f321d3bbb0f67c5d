/**
 * Selects the entries of a snapshot that a restore takes, and says where each is placed. A folder that was
 * asked for by path becomes the target itself; a file keeps its name. Patterns are gitignore's, relative to the
 * snapshot's root.
 */
import type { RawPath } from "../base/ids.ts"
import { baseName, isWithin, parentPath, pathBelow } from "../base/paths.ts"
import { originOf, patternsInside } from "../source/inside.ts"
import { patternSet } from "../source/patterns.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { RestoreRequest } from "./restore-request.ts"

export interface Selected {
  /** The entry's path in the target; undefined when it is not selected. */
  place(entry: Pick<Entry, "path" | "type">): RawPath | undefined
  /** The same, ignoring the patterns. */
  land(entry: Pick<Entry, "path" | "type">): RawPath | undefined
  /** True for a selected entry whose place is in a repository or holdfast's own folders. `place` is undefined then. */
  isOwn(entry: Pick<Entry, "path" | "type">): boolean
  /** Patterns or paths select: a folder is made when an entry in it is selected. */
  readonly partial: boolean
  /** Includes without a match so far, as they were given. */
  unmatched(): RawPath[]
}

type Patterns = Pick<
  RestoreRequest,
  "snapshot" | "within" | "only" | "include" | "exclude" | "iinclude" | "iexclude"
>

/** @param own places in the target that are never written */
export function selectEntries(request: Patterns, own: readonly RawPath[] = []): Selected {
  const within = request.within ?? ("" as RawPath)
  const origin = originOf(request.snapshot)
  const inside = (pattern: RawPath): RawPath[] => patternsInside(origin, pattern, true)
  const includes = matcherOf(request.include?.flatMap(inside), request.iinclude?.flatMap(inside))
  const excludes = matcherOf(request.exclude?.flatMap(inside), request.iexclude?.flatMap(inside))
  /** The folder that was matched last. The match counts for everything in it. */
  let included: RawPath | undefined
  let excluded: RawPath | undefined

  const matcherOfOne = (pattern: RawPath, ignoreCase: boolean): [RawPath, Matcher | undefined] =>
    ignoreCase ? [pattern, matcherOf([], inside(pattern))] : [pattern, matcherOf(inside(pattern))]
  const unmatched = new Map([
    ...(request.include ?? []).filter(isPositive).map((each) => matcherOfOne(each, false)),
    ...(request.iinclude ?? []).filter(isPositive).map((each) => matcherOfOne(each, true)),
  ])
  const noteMatch = (path: RawPath, isFolder: boolean): void => {
    for (const [pattern, matches] of unmatched)
      if (matches?.(path, isFolder) === true) unmatched.delete(pattern)
  }
  const isIncluded = (path: RawPath, isFolder: boolean): boolean => {
    if (includes === undefined) return true
    const isInside = included !== undefined && isWithin(path, included)
    if (!isInside && !includes(path, isFolder)) return false
    if (unmatched.size > 0) noteMatch(path, isFolder)
    if (!isInside && isFolder) included = path
    return true
  }
  const isExcluded = (path: RawPath, isFolder: boolean): boolean => {
    if (excluded !== undefined && isWithin(path, excluded)) return true
    if (excludes?.(path, isFolder) !== true) return false
    if (isFolder) excluded = path
    return true
  }
  // folders above `within` have no entry here, but a match of one counts for everything in it
  for (const above of foldersAbove(within)) {
    isExcluded(above, true)
    isIncluded(above, true)
  }
  const isNamed = insideOne(request.only)
  const wanted = ({ path, type }: Pick<Entry, "path" | "type">): boolean => {
    if (!isNamed(path)) return false
    const isFolder = type === "directory"
    if (path === "") return includes === undefined
    const isLeft = isExcluded(path, isFolder)
    if (isLeft && unmatched.size === 0) return false
    return isIncluded(path, isFolder) && !isLeft
  }
  const land: Selected["land"] = ({ path, type }) => {
    const below = pathBelow(path, within)
    return below === "" && type !== "directory" ? baseName(path) : below
  }
  const isOwn = (place: RawPath): boolean => own.some((each) => isWithin(place, each))
  return {
    partial: includes !== undefined || request.only !== undefined,
    land,
    unmatched: () => [...unmatched.keys()],
    place(entry) {
      const place = wanted(entry) ? land(entry) : undefined
      return place === undefined || isOwn(place) ? undefined : place
    },
    isOwn(entry) {
      if (own.length === 0) return false
      const place = land(entry)
      return place !== undefined && isOwn(place) && wanted(entry)
    },
  }
}

/** Whether a path is one of these or below one. True for all paths when there are none. */
function insideOne(paths: readonly RawPath[] | undefined): (path: RawPath) => boolean {
  if (paths === undefined) return () => true
  const all = new Set(paths)
  let last: RawPath | undefined
  return (path) => {
    if (last !== undefined && isWithin(path, last)) return true
    for (let at = path; ; at = parentPath(at)) {
      if (all.has(at)) last = at
      if (all.has(at)) return true
      if (at === "") return false
    }
  }
}

/** The outermost first. */
function foldersAbove(path: RawPath): RawPath[] {
  const folders: RawPath[] = []
  for (let above = parentPath(path); above !== ""; above = parentPath(above)) folders.unshift(above)
  return folders
}

function isPositive(pattern: RawPath): boolean {
  return !pattern.startsWith("!") && !pattern.startsWith("#")
}

type Matcher = (path: RawPath, isFolder: boolean) => boolean

/** Matches either list; undefined when both are empty. */
function matcherOf(
  patterns: readonly RawPath[] = [],
  caseless: readonly RawPath[] = [],
): Matcher | undefined {
  const sets = [setOf(patterns, false), setOf(caseless, true)].filter((set) => set !== undefined)
  if (sets.length === 0) return undefined
  // gitignore calls a match "leave"
  return (path, isFolder) => sets.some((set) => set.verdict(path, isFolder) === "leave")
}

function setOf(patterns: readonly RawPath[], ignoreCase: boolean): ReturnType<typeof patternSet> | undefined {
  if (patterns.length === 0) return undefined
  return patternSet("" as RawPath, patterns.join("\n") as RawPath, ignoreCase)
}
