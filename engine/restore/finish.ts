/**
 * The end of a restore, after all files: hard links, symbolic links and special files; then extra entries are
 * removed if `delete` asks for it; then the folders' own metadata, innermost first; at last that of the target
 * and of the folders above it that this run has made.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { parentPath, pathBelow, showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { idsOf } from "../listing/chunk-list.ts"
import { lookUp } from "../listing/look-up.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import type { Stat } from "../system/stat.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import type { Metadata, Placing, Target } from "../target/target.ts"
import type { OpenedTarget } from "./open-target.ts"
import { failureOf } from "./place/place-jobs.ts"
import type { RestoreRequest } from "./restore-request.ts"
import { metadataOf, standingMetadata, type DecidedFile, type Deciding } from "./tree.ts"

/**
 * Failures of single entries are reported, not thrown.
 * @param place for a hard link that can't be a link to its first name: places it as a file of its own
 */
export async function finishEntries(
  deciding: Deciding,
  place: (file: DecidedFile) => Promise<void>,
): Promise<void> {
  const { target, tree, progress, extra, readLists } = deciding
  for (const { path, entry, linkTo } of tree.later) {
    try {
      if (linkTo !== undefined) {
        if (placeHardLink(deciding, path, linkTo)) continue
        await place({ path, entry, existing: target.look(path), ids: await idsOf(entry, readLists) })
      } else if (placeOther(deciding, path, entry)) progress.entry(path, "restored", 0)
    } catch (error) {
      progress.failed({ path, ...failureOf(error) })
    }
  }
  await extra.removeBut(tree.names, tree.lost)
}

type Level = "inner" | "top"

/**
 * Innermost first, since changes in a folder change its time. Folders at the top come after the staging folder is
 * published, in the target itself: the system does not move a folder that its owner may not write.
 */
export function finishFolders(deciding: Deciding, target: Target, level: Level): void {
  for (const folder of deciding.tree.folders.toReversed())
    if (folder.path.includes("/") === (level === "inner")) finishFolder(deciding, target, folder)
}

function finishFolder(
  { tree, progress, standing }: Deciding,
  target: Target,
  { path, entry }: { path: RawPath; entry: Entry },
): void {
  if (tree.failedFolders.has(path)) return
  try {
    const kept = standing.kept(path)
    // the metadata that was there is not the snapshot's: nothing of it counts as left out
    if (kept !== undefined) target.finishFolder(path, kept)
    else progress.leftOut(path, target.finishFolder(path, metadataOf(entry)))
  } catch (error) {
    progress.failed({ path, ...failureOf(error) })
  }
}

function placing({ request }: Deciding): Placing {
  return { replace: request.overwrite !== "never", sync: request.sync === "each" }
}

/** False when the first name is not a file that this restore found right or placed, or can't be linked to. */
function placeHardLink(deciding: Deciding, path: RawPath, linkTo: RawPath): boolean {
  const { target, progress, request } = deciding
  // another file may be there; in a forged listing, it may not be in the snapshot at all
  if (!progress.isPlaced(linkTo) || !isOfSnapshot(deciding, linkTo)) return false
  const first = request.dryRun === true ? wouldStand(deciding, linkTo) : target.look(linkTo)
  if (first?.type !== "file") return false
  const existing = target.look(path)
  if (existing?.inode === first.inode && existing.device === first.device) progress.entry(path, "equal", 0)
  else {
    const identity = { device: first.device, inode: first.inode }
    try {
      target.placeHardLink(path, { path: linkTo, identity }, placing(deciding))
    } catch (error) {
      if (!isEngineError(error) || !NO_LINK.includes(String(error.detail["errno"]))) throw error
      progress.notice(`${showPath(path)}: can't be a hard link here; restored as a file of its own`)
      return false
    }
    progress.entry(path, "restored", 0)
  }
  return true
}

/** Errors of link(2) where a file system has no links, no more of them, or not across folders. */
const NO_LINK: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]

/** Whether this restore has decided about a file of this path. */
function isOfSnapshot({ tree }: Deciding, path: RawPath): boolean {
  return tree.made.has(parentPath(path)) || tree.files.has(path)
}

/** What a dry run takes for the first name: the existing file, or one like no other if it would be replaced. */
function wouldStand({ target, progress }: Deciding, path: RawPath): Pick<Stat, "type" | "device" | "inode"> {
  const standing = progress.isReplaced(path) ? undefined : target.look(path)
  return standing ?? { type: "file", device: -1n, inode: -1n }
}

/** False when it was left out. */
function placeOther(deciding: Deciding, path: RawPath, entry: Entry): boolean {
  const { target, progress, request } = deciding
  const metadata = metadataOf(entry)
  switch (entry.type) {
    case "symlink": {
      const linkTarget = entry.linkTarget ?? ("" as RawPath)
      const existing = target.look(path)
      if (
        existing?.type === "symlink" &&
        target.compareMetadata(path, existing, metadata) !== undefined &&
        target.readLink(path) === linkTarget
      ) {
        progress.entry(path, "equal", 0)
        return false
      }
      progress.leftOut(path, target.placeSymlink(path, linkTarget, metadata, placing(deciding)))
      return true
    }
    case "fifo":
    case "character-device":
    case "block-device":
      if (!request.special || (entry.type !== "fifo" && request.privileges === false)) {
        progress.notice(`skipped: ${entry.type} ${path} (use --special to restore it)`)
        return false
      }
      if (entry.type === "fifo") progress.leftOut(path, target.placeFifo(path, metadata, placing(deciding)))
      else if (entry.device !== null) {
        const device = { type: entry.type, ...entry.device }
        progress.leftOut(path, target.placeDevice(path, device, metadata, placing(deciding)))
      }
      return true
    case "file":
    case "directory":
      throw new EngineError("corrupt", "entry-type", "a file or folder is recorded as a link")
  }
}

/**
 * Sets the metadata of the folders that this run made so that the target exists. Where a part is restored to the
 * place where the snapshot was taken, or a single file, they take the snapshot's. All others keep what the umask gave.
 * @param load loads nodes of the listing
 * @param isFinished the target itself has its metadata already
 */
export async function finishMissing(
  { request, progress }: Pick<Deciding, "request" | "progress">,
  { missing, options }: Pick<OpenedTarget, "missing" | "options">,
  load: LoadNodes,
  isFinished: boolean,
): Promise<void> {
  for (const folder of missing) {
    const isTarget = folder === request.target
    if (isTarget && isFinished) continue
    const path = recordedPath(request, folder)
    const entry = path === undefined ? undefined : await recorded(request, load, path)
    const isFolder = entry?.type === "directory"
    if (!isFolder && !isTarget) continue // it was made with the umask's mode
    const at = openDiskTarget(folder, { ...options, staging: undefined })
    try {
      const metadata = isFolder ? metadataOf(entry) : umaskMetadata(at)
      progress.leftOut(HERE, at.finishFolder(HERE, metadata))
    } finally {
      at.close()
    }
  }
}

const HERE = "" as RawPath

/** Of a target that this run made 0700. */
function umaskMetadata(target: Target): Metadata {
  const stat = target.look(HERE)
  if (stat === undefined) throw new Error("a folder that was opened is there")
  return { ...standingMetadata(target, HERE, stat), mode: 0o777 & ~process.umask() }
}

/** Undefined also where the listing is damaged. */
async function recorded(
  { snapshot }: RestoreRequest,
  load: LoadNodes,
  path: RawPath,
): Promise<Entry | undefined> {
  try {
    return await lookUp(snapshot.root, load, path)
  } catch (error) {
    if (!isEngineError(error)) throw error
    return undefined
  }
}

/** The path in the snapshot whose metadata this folder takes; undefined if there is none. */
function recordedPath({ snapshot, target, within }: RestoreRequest, folder: string): RawPath | undefined {
  const part = within ?? ("" as RawPath)
  if (folder === target) return part === "" ? undefined : parentPath(part)
  const { base } = snapshot.options
  const landing = base === undefined ? undefined : pathBelow(target, base)
  // only above the place that the part came from
  if (base === undefined || (landing !== part && landing !== parentPath(part))) return undefined
  return pathBelow(folder, base)
}
