/**
 * Resolves typed paths to what a backup walks: the folder at the snapshot's root and, if only parts of it
 * were named, the tree of those parts. A single folder is itself the root. Several paths are below their
 * longest common parent. `name=path` places a path under another name at the top. A single file makes a
 * snapshot of one entry. spec/files.md.
 */
import { realpathSync, statSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath, showPath } from "../base/paths.ts"
import { shellWord } from "../base/show.ts"
import type { Origin } from "./inside.ts"
import { isFailure, lstat } from "../system/stat.ts"

export interface Included {
  /** True if everything below is included; `children` is then empty. */
  readonly whole: boolean
  readonly children: ReadonlyMap<RawPath, Included>
  /** The absolute raw path, if it isn't the parent's path and the name. */
  readonly at: string | undefined
}

export interface Roots {
  /** The absolute raw path of the folder at "". */
  readonly base: string
  /** The same as named, without following a link. The target of a restore in place. */
  readonly origin: RawPath
  readonly tree: Included
  /** True for a snapshot of one entry that is not a folder; there is no entry for "". */
  readonly single: boolean
  /** The requested absolute raw paths in the given order, without missing ones. */
  readonly paths: readonly RawPath[]
  /** The same as paths below the root, with the names that they have there. */
  readonly named: readonly RawPath[]
  /** True if an entry has another name than its own. */
  readonly renamed: boolean
  /** Requested paths that are missing. The backup reports them and continues with the others. */
  readonly missing: readonly RawPath[]
}

export interface RootsRequest {
  /** Raw paths as typed, relative to `cwd` or absolute, optionally as `name=path`. */
  readonly paths: readonly RawPath[]
  /** Paths from a list, taken literally: no renames, links not followed. */
  readonly listed?: readonly RawPath[]
  /** Absolute raw path of the current folder. */
  readonly cwd: string
}

/** The origin that patterns and typed paths refer to. */
export function originOfRoots({ base, origin, paths, named, renamed }: Roots): Origin {
  return { bases: [origin, base], paths, ...(renamed ? { named } : {}) }
}

interface Wanted {
  readonly name: RawPath | undefined
  readonly path: string
  /** A named link means its target: a snapshot of the link alone would be useless. */
  readonly follows: boolean
  readonly type: "folder" | "other" | "missing"
}

/** Returns the roots for one whole folder. */
export function everything(base: string): Roots {
  return {
    base,
    origin: base as RawPath,
    tree: { whole: true, children: new Map(), at: undefined },
    single: false,
    paths: [base as RawPath],
    named: ["" as RawPath],
    renamed: false,
    missing: [],
  }
}

/**
 * @throws invalid "no-paths", "empty-path", "pipe" or "name-twice"; not-found "no-source" if nothing exists
 */
export function resolveRoots(request: RootsRequest): Roots {
  const { cwd, paths: typed, listed } = request
  const asked = typed.map((path) => resolveArgument(path, cwd))
  for (const path of listed ?? []) asked.push(lookAt(resolveLexically(path, cwd), false))
  const there = asked.filter(({ type }) => type !== "missing")
  const missing = asked.filter(({ type }) => type === "missing").map(({ path }) => path as RawPath)
  const [first] = there
  if (first === undefined) throw nothingToDo(missing)
  const paths = there.map(({ path }) => path as RawPath)
  // missing paths count too, so that the others keep their places in later snapshots
  const isOne = asked.length === 1 && listed === undefined
  if (isOne && first.name === undefined && first.type === "folder")
    return { ...everything(follow(first.path)), origin: first.path as RawPath, paths, missing }
  const origin = commonParent(asked)
  const tree = newPart()
  const named = there.map((one) => include(tree, origin, one))
  const single = isOne && first.type === "other"
  const renamed = there.some(({ name }) => name !== undefined)
  return { base: follow(origin), origin, tree, single, paths, named, renamed, missing }
}

function nothingToDo(missing: readonly RawPath[]): EngineError {
  const [first] = missing
  if (first === undefined)
    return new EngineError("invalid", "no-paths", "nothing to back up. Name a folder or a file")
  return new EngineError("not-found", "no-source", `${showPath(first)}: no such file or folder`)
}

function resolveArgument(argument: RawPath, cwd: string): Wanted {
  if (argument === "") throw emptyPath("")
  const literal = resolveLexically(argument, cwd)
  const equals = argument.indexOf("=")
  const name = argument.slice(0, Math.max(equals, 0)) as RawPath
  const isRename = name !== "" && !name.includes("/") && isFailure(lstat(literal))
  if (!isRename) return lookAt(literal, true)
  if (name === "." || name === "..") {
    throw new EngineError(
      "invalid",
      "bad-name",
      `${showPath(argument)}: ${name} is not a valid name in a snapshot`,
    )
  }
  const path = argument.slice(equals + 1)
  if (path === "") throw emptyPath(`${showPath(argument)}: `)
  return lookAt(resolveLexically(path, cwd), true, name)
}

/** An empty path would mean the current folder. */
function emptyPath(where: string): EngineError {
  return new EngineError("invalid", "empty-path", `${where}a path to back up is empty`)
}

function lookAt(path: string, follows: boolean, name?: RawPath): Wanted {
  const stat = lstat(follows ? follow(path) : path)
  if (follows && leadsToPipe(path)) throw pipeNamed(path)
  const type = isFailure(stat) ? "missing" : stat.type === "directory" ? "folder" : "other"
  return { name, path, follows, type }
}

/**
 * Whether a path leads to a FIFO by any link. A shell's `<(program)` is one below /dev/fd, whose link has no
 * real path.
 */
function leadsToPipe(path: string): boolean {
  try {
    return statSync(fsPath(path)).isFIFO()
  } catch {
    return false
  }
}

function pipeNamed(path: string): EngineError {
  const shown = showPath(path)
  return new EngineError(
    "invalid",
    "pipe",
    `${shown}: this is a FIFO; a backup would save only its name. To save its data, run: holdfast backup --stdin < ${shellWord(shown)}`,
  )
}

/** Returns the target of a link, and any other path unchanged. */
export function follow(path: string): string {
  const stat = lstat(path)
  if (isFailure(stat) || stat.type !== "symlink") return path
  try {
    return realpathSync(fsPath(path), { encoding: "latin1" })
  } catch {
    return path
  }
}

/** Makes a path absolute, without ".", ".." and double slashes. Symlinks on the way are not resolved. */
function resolveLexically(path: string, cwd: string): string {
  const names: string[] = []
  for (const name of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (name === "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return `/${names.join("/")}`
}

/** Renamed paths are at the top whatever their origin, so they don't affect the common parent. */
function commonParent(wanted: readonly Wanted[]): RawPath {
  const unnamed = wanted.filter((one) => one.name === undefined)
  const deciding = unnamed.length > 0 ? unnamed : wanted
  let common: string[] | undefined
  for (const { path } of deciding) {
    const parents = path.split("/").slice(1, -1)
    if (common === undefined) common = parents
    let same = 0
    while (same < common.length && common[same] === parents[same]) same++
    common = common.slice(0, same)
  }
  return `/${(common ?? []).join("/")}` as RawPath
}

interface Part {
  whole: boolean
  children: Map<RawPath, Part>
  at: string | undefined
}

function newPart(): Part {
  return { whole: false, children: new Map(), at: undefined }
}

/** Returns the tree of these paths alone. Links are not followed. */
export function treeOf(paths: readonly RawPath[]): Included {
  const tree = newPart()
  for (const path of paths) {
    let part = tree
    for (const name of path === "" ? [] : (path.split("/") as RawPath[])) {
      const child = part.children.get(name) ?? newPart()
      part.children.set(name, child)
      part = child
    }
    part.whole = true
  }
  return tree
}

/** Adds a path to the tree. @returns its path below the root */
function include(tree: Part, base: string, one: Wanted): RawPath {
  const inside = base === "/" ? one.path.slice(1) : one.path.slice(base.length + 1)
  const names = one.name === undefined ? inside.split("/").filter((name) => name !== "") : [one.name]
  const path = names.join("/") as RawPath
  let part = tree
  let place = base
  for (const [depth, name] of (names as RawPath[]).entries()) {
    if (part.whole) return path
    const isLast = depth === names.length - 1
    place = one.name === undefined ? `${place === "/" ? "" : place}/${name}` : one.path
    const known = part.children.get(name)
    const child = known ?? newPart()
    const target = isLast && !one.follows ? place : follow(place)
    if (target !== place || one.name !== undefined) {
      // one place may have two names, but one name can't have two places
      if (known !== undefined && known.at !== target) throw nameTwice(name)
      child.at = target
    } else if (known?.at !== undefined) throw nameTwice(name)
    part.children.set(name, child)
    part = child
  }
  part.whole = true
  part.children.clear()
  return path
}

function nameTwice(name: RawPath): EngineError {
  return new EngineError("invalid", "name-twice", `${showPath(name)}: two paths would have this name`)
}
