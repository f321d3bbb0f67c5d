/**
 * A target for dry runs. It records what would be created, replaced or removed, and refuses what the file
 * system would refuse. A restore into it counts what the real one would do and changes nothing. The target
 * need not exist.
 */
import type { RawPath } from "../base/ids.ts"
import { joinPath, parentPath } from "../base/paths.ts"
import { whyClosed, whyNotMade } from "./can-make.ts"
import { openDiskTarget } from "./disk-target.ts"
import { isOurs, type Permitted, permittedBy, withheld } from "./permitted.ts"
import { checkPath } from "./safe-path.ts"
import { isFailure, lstat, type Stat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import type { Placing, Staging, Target, TargetOptions } from "./target.ts"
import { STAGING_NAME } from "../system/temporary-name.ts"

/**
 * @param root absolute raw path
 * @throws what creating and opening it would throw
 */
export function openDryTarget(root: string, options: TargetOptions = {}): Target {
  const isThere = !isFailure(lstat(root))
  const why = isThere ? undefined : whyNotMade(root)
  if (why !== undefined) throw targetError(why, root as RawPath)
  if (!isThere)
    return { ...overlay(root, undefined, options), wouldStage: () => ({ name: STAGING_NAME, isNew: true }) }
  const named = openDiskTarget(root, { ...options, create: false })
  const isOwn = named.look("" as RawPath)?.uid === process.geteuid?.()
  const staging = isOwn || whyClosed(root) === undefined ? named.wouldStage() : undefined
  const wouldStage = (): Staging | undefined => staging
  if (staging?.isNew !== false) return { ...overlay(root, named, options), wouldStage }
  named.close()
  const staged = openDiskTarget(root, { ...options, create: false, staging })
  return { ...overlay(root, staged, options), wouldStage }
}

/**
 * The existing entries without those that the run would have removed by now, and what the file system
 * refuses.
 */
interface Seen {
  readonly look: (path: RawPath) => Stat | undefined
  readonly list: (folder: RawPath) => RawPath[]
  readonly remove: (path: RawPath) => void
  /** Requires that an existing folder of another user lets this one create and remove names in it. */
  readonly requireOpen: (path: RawPath, existing: Stat | undefined) => void
  /** Throws what renaming to this path would throw. */
  readonly take: (path: RawPath, placing: Placing) => void
}

function seeing(root: string, inner: Target | undefined): Seen {
  const removed = new Set<RawPath>()
  const isRemoved = (path: RawPath): boolean => {
    if (removed.size === 0) return false
    for (let at = path; at !== ""; at = parentPath(at)) if (removed.has(at)) return true
    return false
  }
  const look = (path: RawPath): Stat | undefined => {
    checkPath(path, false)
    return inner === undefined || isRemoved(path) ? undefined : inner.look(path)
  }
  const list = (folder: RawPath): RawPath[] => {
    if (inner === undefined || isRemoved(folder)) return []
    return inner.list(folder).filter((name) => !removed.has(joinPath(folder, name)))
  }
  const closed = new Map<RawPath, string | undefined>()
  const requireOpen: Seen["requireOpen"] = (path, existing) => {
    const uid = process.geteuid?.() ?? 0
    const folder = parentPath(path)
    const above = uid === 0 || path === "" ? undefined : look(folder)
    if (above === undefined || above.uid === uid) return
    if (!closed.has(folder)) closed.set(folder, whyClosed(joinPath(root as RawPath, folder)))
    const why = closed.get(folder)
    if (why !== undefined) throw targetError(why, path)
    const isSticky = (above.mode & 0o1000) !== 0
    if (isSticky && existing !== undefined && existing.uid !== uid) throw targetError("EPERM", path)
  }
  const take: Seen["take"] = (path, { replace }) => {
    const stat = look(path)
    requireOpen(path, stat)
    if (stat === undefined) return
    if (!replace) throw targetError("EEXIST", path)
    if (stat.type === "directory" && list(path).length > 0) throw targetError("ENOTEMPTY", path)
  }
  return { look, list, remove: (path) => void removed.add(path), requireOpen, take }
}

/** @param inner undefined if the target does not exist and all would be created */
function overlay(root: string, inner: Target | undefined, options: TargetOptions): Target {
  const permitted = permittedBy(options)
  const { look, list, remove, requireOpen, take } = seeing(root, inner)
  return {
    root,
    xattrsAvailable: inner?.xattrsAvailable ?? true,
    look,
    list,
    readLink: (path) => inner?.readLink(path) ?? ("" as RawPath),
    attributes: (path) => inner?.attributes(path) ?? [],
    openExisting: (path) => inner?.openExisting(path),
    ensureFolder(path, { replace, isNew }) {
      const stat = isNew === true ? undefined : look(path)
      if (stat?.type !== "directory" && isNew !== true) requireOpen(path, stat)
      if (stat === undefined) return "created"
      if (stat.type === "directory") {
        requireWritable(path, stat)
        return "existing"
      }
      if (!replace) throw targetError("ENOTDIR", path)
      remove(path)
      return "created"
    },
    finishFolder(path, metadata) {
      const stat = look(path)
      const before = stat && inner?.compareMetadata(path, stat, metadata)
      return before ?? withheld(permitted, metadata)
    },
    ...placing(take, permitted),
    compareMetadata: (path, existing, metadata) => inner?.compareMetadata(path, existing, metadata),
    updateMetadata(path, metadata) {
      const stat = look(path)
      if (stat === undefined || (stat.links > 1 && stat.type !== "directory")) return undefined
      if (!isOurs(stat, permitted)) return undefined
      return { changed: true, leftOut: withheld(permitted, metadata) }
    },
    removeExtra(path) {
      const stat = look(path)
      if (stat === undefined) return 0
      requireOpen(path, stat)
      remove(path)
      return 1
    },
    removeEntry(path) {
      requireOpen(path, look(path))
      remove(path)
    },
    unlockFolder: () => undefined,
    lockFolder() {},
    removeLeftovers: () => 0,
    wouldStage: () => undefined,
    stage: () => undefined,
    publish: () => [],
    unstage() {},
    flush: async () => {},
    close: () => inner?.close(),
  }
}

type Placings = Pick<Target, "placeSymlink" | "placeHardLink" | "placeFifo" | "placeDevice"> &
  Pick<Target, "beginFile" | "finishFile" | "abandonFile">

function placing(take: Seen["take"], permitted: Permitted): Placings {
  return {
    beginFile: (path, size, sparse) => ({ path, name: path, descriptor: -1, size, sparse }),
    finishFile: ({ path }, metadata, how) => {
      take(path, how)
      return withheld(permitted, metadata)
    },
    abandonFile() {},
    placeSymlink: (path, _linkTarget, _metadata, how) => {
      take(path, how)
      return []
    },
    placeHardLink: (path, _first, how) => take(path, how),
    placeFifo: (path, metadata, how) => {
      take(path, how)
      return withheld(permitted, metadata)
    },
    placeDevice: (path, _device, metadata, how) => {
      if (process.geteuid?.() !== 0) throw targetError("EPERM", path)
      take(path, how)
      return withheld(permitted, metadata)
    },
  }
}

/** This user's own folder would be made writable; another user's must be writable already. */
function requireWritable(path: RawPath, stat: Stat): void {
  const uid = process.geteuid?.()
  if (uid === 0 || uid === stat.uid) return
  if ((stat.mode & 0o700) !== 0o700) throw targetError("EPERM", path)
}
