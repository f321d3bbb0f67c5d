/**
 * Decides what a backup leaves out: gitignore patterns from flags and files, folders marked as caches, large
 * files, other file systems, and holdfast's own folders. Makes the `Scope` that the walk asks. The strongest
 * patterns come first: flags, then the ignore file of the innermost folder, then those of the folders above.
 * spec/files.md.
 */
import { errnoText, errorCode } from "../base/errno.ts"
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath, joinPath, parentPath, showPath } from "../base/paths.ts"
import { bearsMarker, CACHE_MARKER, holdsName, type Marker, parseMarker } from "./markers.ts"
import { type Origin, patternsInside } from "./inside.ts"
import { type PatternSet, patternSet } from "./patterns.ts"
import type { Scope, Source } from "./source.ts"
import { type Failure, isFailure, lstat, type Stat } from "../system/stat.ts"
import { isTemporaryName } from "../system/temporary-name.ts"

export interface SelectionRequest {
  /**
   * Patterns as in `excludes`. If there are any, only what they match, or what is below a match, is kept, with the
   * folders above. Other folders are kept if something below them may match. Weaker than everything that excludes.
   */
  readonly includes?: readonly RawPath[]
  /**
   * Patterns as raw bytes, relative to the source's root, or absolute below `origin`. Later ones override
   * earlier ones.
   */
  readonly excludes?: readonly RawPath[]
  /** The same, ignoring case. */
  readonly iexcludes?: readonly RawPath[]
  /** Absolute raw paths of files with one pattern per line; weaker than `excludes`. */
  readonly excludeFiles?: readonly string[]
  /**
   * True if `excludeFiles` comes from a snapshot: only regular files are opened, and read up to their size.
   */
  readonly regularFilesOnly?: boolean
  /** Patterns read from such files; equally weak. */
  readonly patterns?: readonly RawPath[]
  /** Names of files whose patterns apply to their folder, the strongest first. */
  readonly ignoreFiles?: readonly RawPath[]
  readonly excludeCaches?: boolean
  /** Each `NAME` or `NAME:header`. */
  readonly excludeIfPresent?: readonly RawPath[]
  readonly excludeLargerThan?: number
  readonly oneFileSystem?: boolean
  /** Named paths below the source's root, which `oneFileSystem` permits on any file system. */
  readonly named?: readonly RawPath[]
  readonly own?: readonly OwnFolder[]
  /** The origin of the source, for absolute patterns. */
  readonly origin?: Origin
  /** Returns the text of an ignore file or a marker, undefined if there is none. Default: reads the disk. */
  readonly textOf?: (path: RawPath) => string | undefined
}

interface OwnFolder {
  readonly kind: "repository" | "home"
  /** Absolute raw path; it need not exist. */
  readonly path: string
}

export interface SelectionObserver {
  /** Called once per kind, with the first place where holdfast's own data was left out. */
  ownLeftOut(kind: OwnFolder["kind"] | "restore", path: RawPath): void
  /**
   * Called for each place that is left out without a pattern: another file system, holdfast's own folders.
   */
  unseen?(path: RawPath): void
  /** Called if a file with patterns can't be read, so that entries may be kept that should be left out. */
  unreadable(path: RawPath, error: string): void
}

export const IGNORE_FILE: RawPath = ".holdfastignore" as RawPath
export const GIT_IGNORE_FILE: RawPath = ".gitignore" as RawPath

interface Context {
  readonly source: Pick<Source, "stat" | "place">
  readonly observer: SelectionObserver
  readonly request: SelectionRequest
  readonly markers: readonly Marker[]
  readonly own: readonly (OwnFolder & { inode: bigint; device: bigint })[]
  readonly told: Set<string>
  readonly named: ReadonlySet<RawPath>
  /** With `oneFileSystem`: the named paths and every folder above them. */
  readonly ways: ReadonlySet<RawPath> | undefined
  /** Number of sets from flags, which stay first. */
  readonly flagCount: number
  readonly includes: PatternSet | undefined
}

/** State that differs by folder. */
interface Rules {
  readonly sets: readonly PatternSet[]
  readonly device: bigint
  /** The folder has a marker: only the marker is kept. */
  readonly only: RawPath | undefined
  /** In another file system above a named path: nothing else is kept. */
  readonly isWay: boolean
  /** With `includes`: the folder, or one above it, matches. */
  readonly isIncluded: boolean
}

/** @throws invalid "exclude-file" or "bad-marker" */
export function createSelection(
  request: SelectionRequest,
  source: Pick<Source, "stat" | "place">,
  observer: SelectionObserver,
): Scope {
  const markers = (request.excludeIfPresent ?? []).map(parseMarker)
  if (request.excludeCaches === true) markers.push(CACHE_MARKER)
  const sets = flagSets(request)
  const own = locateOwn(request.own)
  const named = new Set(request.named)
  const ways = request.oneFileSystem === true ? waysTo(named) : undefined
  const told = new Set<string>()
  const includes = includeSet(request)
  const flagCount = sets.length
  const context = { source, observer, request, markers, own, told, named, ways, flagCount, includes }
  const root = source.stat("" as RawPath)
  const device = isFailure(root) ? 0n : root.device
  return scopeOf(context, { sets, device, only: undefined, isWay: false, isIncluded: false })
}

function waysTo(named: Iterable<RawPath>): Set<RawPath> {
  const ways = new Set<RawPath>()
  for (const path of named) {
    for (let at = path; at !== "" && !ways.has(at); at = parentPath(at)) ways.add(at)
  }
  return ways
}

/**
 * Reads the files of patterns, so that the selection does not depend on them later.
 * @throws invalid "exclude-file"
 */
export function withPatternsRead(request: SelectionRequest): SelectionRequest {
  const { excludeFiles = [], patterns = [], ...rest } = request
  const lines = excludeFiles.flatMap((file) => readPatterns(file, false).split("\n") as RawPath[])
  const telling = lines.filter((line) => line.trim() !== "" && !line.startsWith("#"))
  return { ...rest, patterns: [...telling, ...patterns] }
}

function flagSets(request: SelectionRequest): PatternSet[] {
  const root = "" as RawPath
  const regularOnly = request.regularFilesOnly === true
  const files = (request.excludeFiles ?? []).flatMap(
    (file) => readPatterns(file, regularOnly).split("\n") as RawPath[],
  )
  const lines = [...files, ...(request.patterns ?? []), ...(request.excludes ?? [])]
  const sets: PatternSet[] = []
  if (lines.length > 0) sets.push(patternSet(root, linesInside(request, lines)))
  if (request.iexcludes !== undefined && request.iexcludes.length > 0)
    sets.push(patternSet(root, linesInside(request, request.iexcludes), true))
  return sets
}

function includeSet(request: SelectionRequest): PatternSet | undefined {
  const { includes = [] } = request
  return includes.length === 0 ? undefined : patternSet("" as RawPath, linesInside(request, includes))
}

function linesInside({ origin }: SelectionRequest, patterns: readonly RawPath[]): RawPath {
  const all =
    origin === undefined ? patterns : patterns.flatMap((each) => patternsInside(origin, each, false))
  return all.join("\n") as RawPath
}

function readPatterns(path: string, regularOnly: boolean): string {
  let code: string
  try {
    if (!regularOnly) return readFileSync(fsPath(path), "latin1")
    const text = readRegular(path, 0)
    if (!isFailure(text)) return text
    code = text.error
  } catch (error) {
    code = errorCode(error)
  }
  throw new EngineError("invalid", "exclude-file", `${showPath(path)}: cannot be read: ${errnoText(code)}`)
}

function locateOwn(own: readonly OwnFolder[] = []): Context["own"] {
  const located: (OwnFolder & { inode: bigint; device: bigint })[] = []
  for (const folder of own) {
    // by inode, so that links and mounts that lead to it are recognised
    const stat = lstat(`${folder.path.replace(/\/+$/, "")}/.`)
    if (!isFailure(stat)) located.push({ ...folder, inode: stat.inode, device: stat.device })
  }
  return located
}

function scopeOf(context: Context, rules: Rules): Scope {
  const scope: Scope = {
    enters: (directory, stat) => {
      const { ways, observer } = context
      if (ways === undefined || directory === "" || stat.device === rules.device || ways.has(directory))
        return true
      observer.unseen?.(directory)
      return false
    },
    inside: (directory, stat, names) => {
      const inner = rulesInside(context, rules, directory, names)
      const isOther = context.ways !== undefined && stat.device !== rules.device
      const isWay = (rules.isWay || isOther) && !context.named.has(directory)
      const isIncluded = isMatch(context, rules, directory, true)
      const next = { ...inner, device: stat.device, isWay, isIncluded }
      return isSameRules(next, rules) ? scope : scopeOf(context, next)
    },
    keeps: (path, name, stat) => {
      if (isOwn(context, path, name, stat)) return false
      if (rules.isWay && context.ways?.has(path) !== true) return false
      if (rules.only !== undefined && name !== rules.only) return false
      const { excludeLargerThan } = context.request
      if (excludeLargerThan !== undefined && stat.type === "file" && stat.size > excludeLargerThan)
        return false
      const isFolder = stat.type === "directory"
      if (!mayInclude(context, rules, path, isFolder)) return false
      return rules.sets.length === 0 || matches(rules.sets, path, isFolder)
    },
    keepsUnread: (path, name) => {
      if (rules.isWay && context.ways?.has(path) !== true) return false
      if (rules.only !== undefined && name !== rules.only) return false
      if (!mayInclude(context, rules, path, true)) return false
      return matches(rules.sets, path, false) && matches(rules.sets, path, true)
    },
  }
  return scope
}

function isSameRules(a: Rules, b: Rules): boolean {
  return (
    a.sets === b.sets &&
    a.only === b.only &&
    a.device === b.device &&
    a.isWay === b.isWay &&
    a.isIncluded === b.isIncluded
  )
}

/** Whether the entry is kept as far as `includes` say. Without any it is. */
function mayInclude(context: Context, rules: Rules, path: RawPath, isFolder: boolean): boolean {
  if (context.includes === undefined || isMatch(context, rules, path, isFolder)) return true
  return isFolder && context.includes.mayMatchBelow(path)
}

/** Whether the entry, or a folder above it, matches `includes`; the innermost verdict decides. */
function isMatch({ includes }: Context, rules: Rules, path: RawPath, isFolder: boolean): boolean {
  if (includes === undefined || path === "") return rules.isIncluded
  const verdict = includes.verdict(path, isFolder)
  return verdict === undefined ? rules.isIncluded : verdict === "leave"
}

function isOwn(context: Context, path: RawPath, name: RawPath, stat: Stat): boolean {
  if (isTemporaryName(name)) return tell(context, "restore", path)
  if (stat.type !== "directory") return false
  for (const own of context.own) {
    if (own.inode !== stat.inode || own.device !== stat.device) continue
    context.observer.unseen?.(path)
    return tell(context, own.kind, path)
  }
  return false
}

function tell(context: Context, kind: OwnFolder["kind"] | "restore", path: RawPath): true {
  if (!context.told.has(kind)) context.observer.ownLeftOut(kind, path)
  context.told.add(kind)
  return true
}

/** The first set with a match decides. Without a match an entry is kept. */
function matches(sets: readonly PatternSet[], path: RawPath, isFolder: boolean): boolean {
  for (const set of sets) {
    const verdict = set.verdict(path, isFolder)
    if (verdict !== undefined) return verdict === "keep"
  }
  return true
}

type InnerRules = Pick<Rules, "sets" | "only">

function bears({ source, request: { textOf } }: Context, path: RawPath, marker: Marker): boolean {
  if (textOf !== undefined) return textOf(path)?.startsWith(marker.header) === true
  const place = source.place(path)
  return !isFailure(place) && bearsMarker(place, marker)
}

function rulesInside(context: Context, rules: Rules, folder: RawPath, names: readonly RawPath[]): InnerRules {
  for (const marker of context.markers) {
    if (!holdsName(names, marker.name)) continue
    const path = joinPath(folder, marker.name)
    if (bears(context, path, marker)) return { sets: [], only: marker.name }
  }
  const own = ignoreFileSets(context, folder, names)
  const above = rules.sets
  if (own.length === 0) return { sets: above, only: undefined }
  const { flagCount } = context
  return { sets: [...above.slice(0, flagCount), ...own, ...above.slice(flagCount)], only: undefined }
}

function ignoreFileSets(context: Context, folder: RawPath, names: readonly RawPath[]): PatternSet[] {
  const sets: PatternSet[] = []
  for (const name of context.request.ignoreFiles ?? []) {
    if (!holdsName(names, name)) continue
    const path = joinPath(folder, name)
    const { textOf } = context.request
    if (textOf !== undefined) {
      sets.push(patternSet(folder, (textOf(path) ?? "") as RawPath))
      continue
    }
    const stat = context.source.stat(path)
    // like git, this does not read patterns through a link or from a FIFO
    if (isFailure(stat) || stat.type !== "file") continue
    const text = readRegular(context.source.place(path))
    if (isFailure(text)) context.observer.unreadable(path, text.error)
    else sets.push(patternSet(folder, text))
  }
  return sets
}

/**
 * Reads a regular file up to its size. A link or a FIFO may have replaced it since it was listed.
 * @param flags additional flags for open(2)
 */
function readRegular(place: string | Failure, flags: number = constants.O_NOFOLLOW): RawPath | Failure {
  if (isFailure(place)) return place
  let fd: number | undefined
  try {
    fd = openSync(fsPath(place), constants.O_RDONLY | constants.O_NONBLOCK | flags)
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { error: "ENOTFILE" }
    const bytes = Buffer.alloc(stat.size)
    return bytes.toString("latin1", 0, readSync(fd, bytes, 0, bytes.length, 0)) as RawPath
  } catch (error) {
    return { error: errorCode(error) }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
