/**
 * Exchanges the files of a root for those of a snapshot by renames alone, after they are staged below it and flushed.
 * Going forward and going back can each be stopped at any step and repeated: every step looks at what is where. Old
 * files lie in the staging folder until all is done. What somebody else wrote in between is kept in `late/`, never
 * overwritten. journal.ts makes it durable.
 */
import type { Metadata, RawPath, SwapPlace } from "../../../engine/index.ts"
import { identityOf, isSame, type Identity } from "./last.ts"

/** One name that changes. */
export interface Op {
  readonly path: RawPath
  /** The staged file that gets the name; null: the name is removed. */
  readonly staged: Identity | null
  /** What had the name before; null: nothing. */
  readonly old: Identity | null
  /** A removal that makes room for a folder, and so comes first. */
  readonly isFirst?: boolean | undefined
  /** The old file is in no snapshot, so it is kept in any case. */
  readonly mustKeep?: boolean | undefined
}

/** A folder that is made, is removed if it is empty in the end, or gets its metadata when all its entries are there. */
export interface FolderOp {
  readonly path: RawPath
  readonly does: "create" | "keep" | "remove"
  /** Null for one that did not exist. */
  readonly before: SavedMetadata | null
  /** Null for one that is removed. */
  readonly after: SavedMetadata | null
}

/** `Metadata` as JSON. */
export interface SavedMetadata {
  readonly mode: number
  readonly mtimeNs: string
  readonly uid: number
  readonly gid: number
  readonly xattrs: readonly { readonly name: RawPath; readonly value: string }[]
}

export interface SwapPart {
  readonly name: "workspace" | "state"
  /** Absolute raw path. */
  readonly root: RawPath
  /** The name of the staging folder in the root. */
  readonly staging: RawPath
  readonly ops: readonly Op[]
  /** A folder comes before those in it. */
  readonly folders: readonly FolderOp[]
}

export function saveMetadata({ mode, mtimeNs, uid, gid, xattrs }: Metadata): SavedMetadata {
  const saved = xattrs.map(({ name, value }) => ({ name, value: Buffer.from(value).toString("base64") }))
  return { mode, mtimeNs: String(mtimeNs), uid, gid, xattrs: saved }
}

export function loadMetadata({ mode, mtimeNs, uid, gid, xattrs }: SavedMetadata): Metadata {
  const loaded = xattrs.map(({ name, value }) => ({
    name,
    value: new Uint8Array(Buffer.from(value, "base64")),
  }))
  return { mode, mtimeNs: BigInt(mtimeNs), uid, gid, xattrs: loaded }
}

/** Where the engine restores to: the staged file of each op. */
export function stagedPath({ staging }: Pick<SwapPart, "staging">, path: RawPath): RawPath {
  return `${staging}/new/${path}` as RawPath
}

/** By number: a folder and a file in it may both be set aside. */
function oldPath({ staging, ops }: SwapPart, path: RawPath): RawPath {
  const numbers = numbersOf.get(ops) ?? new Map(ops.map((op, i) => [op.path, i]))
  numbersOf.set(ops, numbers)
  return `${staging}/old/${numbers.get(path) ?? -1}` as RawPath
}

const numbersOf = new WeakMap<readonly Op[], ReadonlyMap<RawPath, number>>()

export function lateFolder({ staging }: Pick<SwapPart, "staging">): RawPath {
  return `${staging}/late` as RawPath
}

/**
 * What has a name; undefined also below something that is no folder. That gives way to a folder later, or it is
 * refused where something would be written below it.
 */
function identityAt(place: SwapPlace, path: RawPath): Identity | undefined {
  try {
    const stat = place.look(path)
    return stat && identityOf(stat)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "in-the-way") return undefined
    throw error
  }
}

/** The staged file has its name already, whether it was changed since or not. */
function isPlaced(at: Identity | undefined, { staged }: Op): boolean {
  return at !== undefined && staged !== null && at.inode === staged.inode && at.type === staged.type
}

/** Staged files that are gone and were never placed: the swap can't be finished. */
export function lostFiles(place: SwapPlace, part: SwapPart): RawPath[] {
  return part.ops
    .filter((op) => op.staged !== null)
    .filter((op) => !isPlaced(identityAt(place, op.path), op))
    .filter((op) => !isSame(identityAt(place, stagedPath(part, op.path)), op.staged))
    .map(({ path }) => path)
}

/** @throws what `SwapPlace` throws; then nothing is lost, and the caller goes back */
export function swapForward(place: SwapPlace, part: SwapPart): void {
  const { ops, folders } = part
  for (const { path, does } of folders) if (does !== "create") unlock(place, path)
  for (const op of ops) if (op.isFirst === true) remove(place, part, op)
  for (const { path, does } of folders) if (does === "create") place.ensureFolder(path)
  for (const op of ops) if (op.staged !== null) put(place, part, op)
  for (const op of ops) if (op.staged === null && op.isFirst !== true) remove(place, part, op)
  for (const op of ops) keepIfChanged(place, part, op)
  for (const { path, does, after } of folders.toReversed()) {
    if (does === "remove") place.removeEmptyFolder(path)
    if (after !== null && place.look(path)?.type === "directory")
      place.finishFolder(path, loadMetadata(after))
  }
}

/** Old files whose place is taken by the snapshot's and that are gone from the staging folder too. */
export function swapBack(place: SwapPlace, part: SwapPart): RawPath[] {
  const { ops, folders } = part
  for (const { path, does } of folders) if (does === "keep") unlock(place, path)
  for (const { path, does } of folders) if (does === "remove") place.ensureFolder(path)
  const gone = ops.toReversed().filter((op) => op.isFirst !== true && !putBack(place, part, op))
  for (const { path, does } of folders.toReversed()) if (does === "create") place.removeEmptyFolder(path)
  gone.push(...ops.filter((op) => op.isFirst === true && !putBack(place, part, op)))
  for (const { path, before } of folders.toReversed())
    if (before !== null && place.look(path)?.type === "directory")
      place.finishFolder(path, loadMetadata(before))
  return gone.map(({ path }) => path)
}

function unlock(place: SwapPlace, path: RawPath): void {
  if (place.look(path)?.type === "directory") place.unlockFolder(path)
}

function put(place: SwapPlace, part: SwapPart, op: Op): void {
  const { path } = op
  const at = identityAt(place, path)
  if (isPlaced(at, op)) return
  if (at !== undefined) setAside(place, part, { path, at })
  place.ensureFolder(parentOf(path))
  unlock(place, parentOf(stagedPath(part, path))) // it has the snapshot's mode
  place.replace(stagedPath(part, path), path)
}

/**
 * A regular file keeps its name until it is replaced, so there is no moment without it: it gets a second name in the
 * staging folder. What can't have a second name is moved.
 */
function setAside(
  place: SwapPlace,
  part: SwapPart,
  { path, at }: { readonly path: RawPath; readonly at: Identity },
): void {
  const to = oldPath(part, path)
  const aside = identityAt(place, to)
  if (aside?.inode === at.inode) return
  const free = aside === undefined ? to : latePath(place, part, path)
  place.ensureFolder(parentOf(free))
  if (at.type === "directory" || !place.link(path, free)) place.move(path, free)
}

function remove(place: SwapPlace, part: SwapPart, { path, old }: Op): void {
  if (!isSame(identityAt(place, path), old)) return // gone already, or somebody has changed it since
  const to = oldPath(part, path)
  place.ensureFolder(parentOf(to))
  place.move(path, to)
}

/** What was written after the snapshot before the restore is in no snapshot. */
function keepIfChanged(place: SwapPlace, part: SwapPart, { path, old, mustKeep }: Op): void {
  const aside = identityAt(place, oldPath(part, path))
  if (aside === undefined || (mustKeep !== true && isSame(aside, old))) return
  const to = latePath(place, part, path)
  place.ensureFolder(parentOf(to))
  place.move(oldPath(part, path), to)
}

/** @returns false if the old file is gone */
function putBack(place: SwapPlace, part: SwapPart, op: Op): boolean {
  const { path, staged, old } = op
  const at = identityAt(place, path)
  const aside = identityAt(place, oldPath(part, path))
  if (at !== undefined && isPlaced(at, op)) {
    const isChanged = !isSame(at, staged)
    if (aside === undefined && old !== null) return false
    if (isChanged) return keepBoth(place, part, path)
    if (aside !== undefined && aside.type !== "directory" && at.type !== "directory") {
      place.replace(oldPath(part, path), path)
      return true
    }
    place.ensureFolder(parentOf(stagedPath(part, path)))
    unlock(place, parentOf(stagedPath(part, path)))
    place.move(path, stagedPath(part, path))
  } else if (at !== undefined) {
    // not replaced yet, or somebody wrote another file since
    if (aside !== undefined && aside.inode !== at.inode) return keepBoth(place, part, path)
    return true
  }
  const isUntouched = (): boolean => isSame(identityAt(place, stagedPath(part, path)), staged)
  if (aside === undefined) return old === null || (staged !== null && isUntouched())
  place.ensureFolder(parentOf(path))
  place.move(oldPath(part, path), path)
  return true
}

/** Somebody's newer file stays; the old one is kept beside. */
function keepBoth(place: SwapPlace, part: SwapPart, path: RawPath): boolean {
  if (place.look(oldPath(part, path)) === undefined) return true
  const to = latePath(place, part, path)
  place.ensureFolder(parentOf(to))
  place.move(oldPath(part, path), to)
  return true
}

function latePath(place: SwapPlace, part: SwapPart, path: RawPath): RawPath {
  for (let i = 1; ; i++) {
    const to = `${lateFolder(part)}/${i}/${path}` as RawPath
    if (place.look(to) === undefined) return to
  }
}

export function parentOf(path: RawPath): RawPath {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as RawPath
}
