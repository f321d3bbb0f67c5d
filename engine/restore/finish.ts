/**
 * What comes after all files: hard links, symbolic links and special files, then what the snapshot
 * does not have when `delete` asks for that; and at last the folders' own metadata.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { parentPath, showPath } from "../base/paths.ts"
import type { Stat } from "../system/stat.ts"
import type { Placing, Target } from "../target/target.ts"
import type { Entry } from "../format/listing-entry.ts"
import { metadataOf, type DecidedFile, type Deciding } from "./decide.ts"
import { failureOf } from "./place/placer.ts"

/**
 * `asFile` restores a hard link's own content when it can't be a link to its first one. Failures are reported
 * and go on; nothing is thrown for a single entry.
 */
export async function finishEntries(
  deciding: Deciding,
  asFile: (file: Pick<DecidedFile, "path" | "entry">) => Promise<void>,
): Promise<void> {
  const { tree, progress, extra } = deciding
  for (const { path, entry, linkTo } of tree.later) {
    try {
      if (linkTo !== undefined) {
        if (!placeHardLink(deciding, path, linkTo)) await asFile({ path, entry })
      } else if (placeOther(deciding, path, entry)) progress.entry(path, "restored", 0)
    } catch (error) {
      progress.failed({ path, ...failureOf(error) })
    }
  }
  await extra.removeBut(tree.names, tree.lost)
}

/**
 * Innermost first, since a folder's time changes with what is in it. Those at the top come after `publish`, in the
 * target that it gives: the system moves no folder that its owner may not write in.
 */
export async function finishFolders(deciding: Deciding, publish: () => Promise<Target>): Promise<void> {
  const folders = deciding.tree.folders.toReversed()
  const isAtTop = ({ path }: { path: RawPath }): boolean => !path.includes("/")
  for (const folder of folders) if (!isAtTop(folder)) finishFolder(deciding, deciding.target, folder)
  const target = await publish()
  for (const folder of folders) if (isAtTop(folder)) finishFolder(deciding, target, folder)
}

function finishFolder(
  { tree, progress, standing }: Deciding,
  target: Target,
  { path, entry }: { path: RawPath; entry: Entry },
): void {
  if (tree.failedFolders.has(path)) return
  try {
    const kept = standing.kept(path)
    // what was there before is not the snapshot's, and so nothing of that is left out
    if (kept !== undefined) target.finishFolder(path, kept)
    else progress.leftOut(path, target.finishFolder(path, metadataOf(entry)))
  } catch (error) {
    progress.failed({ path, ...failureOf(error) })
  }
}

function placing({ request }: Deciding): Placing {
  return { replace: request.overwrite !== "never", sync: request.sync === "each" }
}

/** False when the first link is no file that this restore answers for, or can't be linked to. */
function placeHardLink(deciding: Deciding, path: RawPath, linkTo: RawPath): boolean {
  const { target, progress, request } = deciding
  // what stands there may be something else, and in a listing that lies it may never have been in the snapshot
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

/** What link(2) says where a file system has no links, no more of them, or not to there. */
const NO_LINK: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]

/** Whether this restore has decided about a file of this path. */
function isOfSnapshot({ tree }: Deciding, path: RawPath): boolean {
  return tree.made.has(parentPath(path)) || tree.files.has(path)
}

/** What stands there, unless it would be replaced: then another file, which is like no other yet. */
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
