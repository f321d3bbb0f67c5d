/**
 * The stage decide of a restore, between load and plan: what each entry of the snapshot means for what the
 * target has in its place. Folders are made here, since their entries follow. Files are collected with the ids
 * of their chunks. Links and special files wait until all files are in place.
 */
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, parentPath, showPath } from "../base/paths.ts"
import { SIDE_FILES } from "../base/sqlite.ts"
import type { Entry } from "../format/listing-entry.ts"
import { idsOf } from "../listing/chunk-list.ts"
import type { Stat } from "../system/stat.ts"
import { failureOf } from "./place/place-jobs.ts"
import type { RestoreRequest } from "./restore-request.ts"
import type { DecidedFile, Deciding } from "./tree.ts"

/** Adds the entry to `files` if it is a file whose content has to be compared or written. */
export async function decide(deciding: Deciding, entry: Entry, files: DecidedFile[]): Promise<void> {
  const { selected, tree, progress } = deciding
  const path = selected.place(entry)
  if (path === undefined) {
    if (selected.isOwn(entry)) skipOwnPlace(deciding, entry)
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
    if (entry.capture === "sqlite" && !tree.made.has(parentPath(path))) removeSideFiles(deciding, path)
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

/** SQLite would apply an old log or journal to the restored database, which damages it. */
function removeSideFiles({ target, progress }: Deciding, path: RawPath): void {
  const removed = SIDE_FILES.map((end) => (path + end) as RawPath).filter((side) => {
    const stat = target.look(side)
    if (stat === undefined || stat.type === "directory") return false
    target.removeEntry(side)
    progress.deleted(side, false)
    return true
  })
  if (removed.length === 0) return
  const names = removed.map(showPath).join(", ")
  progress.notice(`removed ${names}: SQLite would apply it to the restored database`)
}

/** For an entry whose place is in a repository or in holdfast's own folders. Its folder keeps its metadata. */
function skipOwnPlace({ selected, tree, progress }: Deciding, entry: Entry): void {
  const path = selected.land(entry)
  if (path === undefined) return
  tree.names.get(parentPath(path))?.add(path)
  progress.leaveAlone(path, entry.size)
}

/** For a folder where the snapshot has something else: its entries are extra. */
async function clearFolder({ extra }: Deciding, path: RawPath, existing: Stat): Promise<Stat | undefined> {
  return (await extra.remove(path)) ? undefined : existing
}

/** Where the first name of the file lands. The first name that is wanted gets the content. */
function firstLink({ selected, tree }: Deciding, path: RawPath, { hardLink }: Entry): RawPath | undefined {
  if (hardLink === null) return undefined
  const first = selected.place({ path: hardLink, type: "file" }) ?? tree.firstLinks.get(hardLink)
  if (first === undefined) tree.firstLinks.set(hardLink, path)
  return first
}

/** Whether `overwrite` keeps what the target has. */
function isKept({ overwrite = "always" }: RestoreRequest, entry: Entry, existing: Stat | undefined): boolean {
  if (existing === undefined || overwrite === "always") return false
  if (overwrite === "never") return true
  if (overwrite === "if-newer") return existing.mtimeNs >= entry.mtimeNs
  return existing.type === entry.type && existing.size === entry.size && existing.mtimeNs === entry.mtimeNs
}

/** @param isWhole it was asked for with all its entries: others in it are extra */
function makeFolder(deciding: Deciding, path: RawPath, entry: Entry, isWhole: boolean): void {
  const { request, target, progress, tree } = deciding
  noteFolder(deciding, path, isWhole)
  progress.folder()
  if (path !== "" && tree.failedFolders.has(parentPath(path))) {
    tree.failedFolders.add(path) // reported once, for the outermost
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

/** Prepares `tree.names` for the entries of the folder, if they must be known. */
export function noteFolder({ tree, extra, standing }: Deciding, path: RawPath, isWhole: boolean): void {
  standing.belongs(path)
  if (path !== "") tree.names.get(parentPath(path))?.add(path)
  if (extra.covers(isWhole)) tree.names.set(path, new Set())
}

/** With patterns, a folder is made when the first entry in it is wanted. */
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

/** Makes folders whose own entries are lost, for the entries in them. */
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
