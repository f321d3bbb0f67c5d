/**
 * Decide, between load and plan: what each entry of the snapshot means for what stands in the target.
 * Folders are made here, since their entries follow; files are collected with the chunks they need;
 * links and special files wait until all files are in place.
 */
import { isEngineError } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { isWithin, parentPath } from "../base/paths.ts"
import { concatBytes } from "../base/bytes.ts"
import type { Metadata, Target } from "../target/target.ts"
import type { Stat } from "../system/stat.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkChunkList } from "../listing/chunk-list.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import type { ExtraRemover } from "./delete-extra.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"
import { failureOf } from "./place/placer.ts"
import type { Selected } from "./selected.ts"
import type { StandingFolders } from "./tree.ts"

/** A file that may have to be written. */
export interface DecidedFile {
  readonly path: RawPath
  readonly entry: Entry
  readonly ids: Uint8Array
  /** What stands under its name, of whatever type. */
  readonly existing: Stat | undefined
}

/** What comes after all files: one restore's folders, links and the like. */
export interface Tree {
  readonly folders: { path: RawPath; entry: Entry }[]
  readonly later: { path: RawPath; entry: Entry; linkTo: RawPath | undefined }[]
  /** Paths that the snapshot has in each folder from which what is extra is to go. */
  readonly names: Map<RawPath, Set<RawPath>>
  /** Folders that this run made: nothing stands in them. */
  readonly made: Set<RawPath>
  readonly failedFolders: Set<RawPath>
  /** Files of the snapshot in folders that were there before: what else is in these is not this restore's. */
  readonly files: Set<RawPath>
  /** A part of the listing is damaged: folders' own entries may be missing, and what was in them. */
  lost: boolean
  /** By a first link that is not wanted: the first of its others that is. */
  readonly firstLinks: Map<RawPath, RawPath>
}

/** @param isEmpty nothing stands in the target */
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

export interface Deciding {
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly selected: Selected
  readonly tree: Tree
  readonly extra: ExtraRemover
  readonly standing: StandingFolders
  readonly readLists: LoadNodes
  /** Folders above the entry at hand that nothing has needed yet. */
  readonly unmade: { path: RawPath; entry: Entry }[]
}

/** Adds to `files` what must be looked at for this entry. */
export async function decide(deciding: Deciding, entry: Entry, files: DecidedFile[]): Promise<void> {
  const { selected, tree, progress } = deciding
  const path = selected.place(entry)
  if (path === undefined) {
    if (selected.isOwn(entry)) leaveAlone(deciding, entry)
    else if (selected.partial && entry.type === "directory") rememberFolder(deciding, entry)
    return
  }
  makeFoldersAbove(deciding, path)
  if (tree.lost) makeLostFolders(deciding, parentPath(path))
  if (entry.type === "directory") return makeFolder(deciding, path, entry, true)
  if (tree.failedFolders.has(parentPath(path))) {
    return progress.failed({ path, kind: "target", message: "its folder could not be created" })
  }
  tree.names.get(parentPath(path))?.add(path)
  deciding.standing.belongs(path)
  let existing: Stat | undefined
  try {
    existing = tree.made.has(parentPath(path)) ? undefined : deciding.target.look(path)
    if (isKept(deciding.request, entry, existing)) return progress.entry(path, "kept", 0, entry.size)
    if (existing?.type === "directory") existing = await clearFolder(deciding, path, existing)
  } catch (error) {
    return progress.failed({ path, ...failureOf(error) })
  }
  const linkTo = firstLink(deciding, path, entry)
  if (entry.type !== "file" || linkTo !== undefined) {
    if (linkTo !== undefined) progress.expectLess(entry.size)
    tree.later.push({ path, entry, linkTo })
    return
  }
  if (!tree.made.has(parentPath(path))) tree.files.add(path)
  try {
    files.push({ path, entry, existing, ids: await idsOf(entry, deciding.readLists) })
  } catch (error) {
    if (!isEngineError(error) || error.kind !== "corrupt") throw error
    progress.failed({ path, ...failureOf(error) })
  }
}

/** Its folder keeps what it has: something in it is not the restore's. */
function leaveAlone({ selected, tree, progress }: Deciding, entry: Entry): void {
  const path = selected.land(entry)
  if (path === undefined) return
  tree.names.get(parentPath(path))?.add(path)
  progress.leaveAlone(path, entry.size)
}

/** A folder where the snapshot has none: what is in it is extra. */
async function clearFolder({ extra }: Deciding, path: RawPath, existing: Stat): Promise<Stat | undefined> {
  return (await extra.remove(path)) ? undefined : existing
}

/** Where another name of the file lands; the first of those that are wanted has the content. */
function firstLink({ selected, tree }: Deciding, path: RawPath, { hardLink }: Entry): RawPath | undefined {
  if (hardLink === null) return undefined
  const first = selected.place({ path: hardLink, type: "file" }) ?? tree.firstLinks.get(hardLink)
  if (first === undefined) tree.firstLinks.set(hardLink, path)
  return first
}

/** Whether `overwrite` says that what stands there stays. */
function isKept({ overwrite = "always" }: RestoreRequest, entry: Entry, existing: Stat | undefined): boolean {
  if (existing === undefined || overwrite === "always") return false
  if (overwrite === "never") return true
  if (overwrite === "if-newer") return existing.mtimeNs >= entry.mtimeNs
  return existing.type === entry.type && existing.size === entry.size && existing.mtimeNs === entry.mtimeNs
}

/** All chunk ids of a file, 32 bytes each, in order. */
export async function idsOf({ content }: Entry, readLists: LoadNodes): Promise<Uint8Array> {
  if (content === null) return new Uint8Array(0)
  if (content.chunks !== undefined) return content.chunks
  const runs: Uint8Array[] = []
  for await (const run of walkChunkList(content.list as ChunkId, readLists)) runs.push(run.ids)
  return concatBytes(runs)
}

/** `isWhole`: it was asked for with all that is in it, so what the snapshot does not have is extra. */
function makeFolder(deciding: Deciding, path: RawPath, entry: Entry, isWhole: boolean): void {
  const { request, target, progress, tree } = deciding
  noteFolder(deciding, path, isWhole)
  progress.folder()
  if (path !== "" && tree.failedFolders.has(parentPath(path))) {
    tree.failedFolders.add(path) // told once, for the outermost
    return
  }
  try {
    const isNew = path !== "" && tree.made.has(parentPath(path))
    if (!isNew) deciding.standing.meet(path)
    const state = target.ensureFolder(path, { replace: request.overwrite !== "never", isNew })
    if (state === "created") tree.made.add(path)
    else target.removeLeftovers(path)
    tree.folders.push({ path, entry })
  } catch (error) {
    tree.failedFolders.add(path)
    progress.failed({ path, ...failureOf(error) })
  }
}

/** What belongs in it is going to be noted, where that must be known. */
export function noteFolder({ tree, extra, standing }: Deciding, path: RawPath, isWhole: boolean): void {
  standing.belongs(path)
  if (path !== "") tree.names.get(parentPath(path))?.add(path)
  if (extra.covers(isWhole)) tree.names.set(path, new Set())
}

/** With patterns, a folder is made when the first thing in it is wanted. */
function rememberFolder({ unmade, selected }: Deciding, entry: Entry): void {
  const path = selected.land(entry)
  if (path === undefined) return
  while (unmade.length > 0 && !isWithin(path, unmade.at(-1)?.path ?? "")) unmade.pop()
  unmade.push({ path, entry })
}

function makeFoldersAbove(deciding: Deciding, path: RawPath): void {
  for (const folder of deciding.unmade.splice(0)) {
    if (folder.path !== path && isWithin(path, folder.path))
      makeFolder(deciding, folder.path, folder.entry, false)
  }
}

/** Folders whose own entries are lost are made as they come, for what lies in them. */
function makeLostFolders(deciding: Deciding, path: RawPath): void {
  const { request, target, progress, tree } = deciding
  if (path === "" || tree.made.has(path) || tree.failedFolders.has(path)) return
  if (tree.names.has(path)) return
  makeLostFolders(deciding, parentPath(path))
  noteFolder(deciding, path, false)
  if (target.look(path)?.type === "directory") return
  try {
    if (target.ensureFolder(path, { replace: request.overwrite !== "never" }) === "created")
      tree.made.add(path)
  } catch (error) {
    tree.failedFolders.add(path)
    progress.failed({ path, ...failureOf(error) })
  }
}

export function metadataOf(entry: Entry): Metadata {
  const { mode, mtimeNs, uid, gid, xattrs } = entry
  return { mode, mtimeNs, uid, gid, xattrs }
}
