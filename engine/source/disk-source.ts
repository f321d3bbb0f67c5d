/**
 * A source on this machine's disk: a folder, or the chosen paths below it (`roots.ts`). Folders are opened by
 * name below their parent and never through a link (`folder-chain.ts`). Names are read and passed to the
 * system as bytes, so that names in any encoding survive. An ASCII path is passed as a string, which is
 * faster. spec/files.md.
 */
import { fstatSync, readdirSync, readlinkSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, parentPath } from "../base/paths.ts"
import { hasExactSizes } from "../system/file-systems.ts"
import { type FolderChain, openFolderChain } from "../system/folder-chain.ts"
import type { FolderHandle } from "../system/in-folder.ts"
import type { Native } from "../system/native-calls.ts"
import { openOwners } from "../system/owners.ts"
import { everything, type Roots } from "./roots.ts"
import { type SourcePlaces, sourcePlaces } from "./source-places.ts"
import type { Anchored, Source } from "./source.ts"
import { type Failure, isFailure, lstat, type Stat, toStat } from "../system/stat.ts"

/** Native calls are loaded after this many entries, because loading takes time. */
const LOOKS_BEFORE_NATIVE = 2_000

/**
 * @param roots what to back up; a string is the absolute raw path of one folder
 * @param native loads native calls when they are needed; without it, attributes are not read
 */
export function openDiskSource(roots: Roots | string, native?: () => Native | undefined): Source {
  const chosen = typeof roots === "string" ? everything(roots) : roots
  const places = sourcePlaces(chosen)
  const owners = openOwners()
  const hintsByDevice = new Map<bigint, boolean>()
  let looks = 0
  const calls = (): Native | undefined => (looks < LOOKS_BEFORE_NATIVE ? undefined : native?.())
  const chain = openFolderChain(calls)

  const { folderAt, entryAt, place, anchored } = reaching(chosen, places, chain)
  return {
    list: (directory) => {
      const partial = places.partOf(directory)
      if (partial !== undefined) return [...partial.children.keys()].sort()
      const folder = folderAt(directory)
      return isFailure(folder) ? folder : readNames(folder.prefix)
    },
    stat: (path) => {
      const found = entryAt(path)
      if (isFailure(found)) return path === "" ? rootFailure(chosen, found) : found
      return statIn(found.folder, found.name)
    },
    statAll: (directory, names) => {
      looks += names.length
      const known = calls()
      if (known === undefined || places.partOf(directory) !== undefined) return undefined // in several places
      const folder = folderAt(directory)
      if (isFailure(folder) || folder.descriptor < 0) return undefined // each name reports its error
      return names.map((name) => known.statAt(folder.descriptor, name))
    },
    readLink: (path) => {
      const link = place(path)
      if (isFailure(link)) return link
      try {
        return readlinkSync(fsPath(link), "latin1") as RawPath
      } catch (error) {
        return { error: errorCode(error) }
      }
    },
    sizesAreHints: (path, device) => {
      let hints = hintsByDevice.get(device)
      if (hints === undefined) {
        const file = place(path)
        hintsByDevice.set(device, (hints = isFailure(file) || !hasExactSizes(file)))
      }
      return hints
    },
    place,
    anchored,
    xattrsAvailable: native !== undefined,
    xattrs: (path) => {
      const known = native?.()
      if (known === undefined) return []
      const file = place(path)
      return isFailure(file) ? file : known.attributes(file)
    },
    userName: (uid) => owners.userName(uid),
    groupName: (gid) => owners.groupName(gid),
    close: () => {
      chain.close()
      places.close()
    },
  }
}

/** Reaches the paths of a source through folders that are held open. */
interface Reaching {
  readonly folderAt: (directory: RawPath) => FolderHandle | Failure
  /** Returns an entry's folder and its name there; "." is the folder itself. */
  readonly entryAt: (path: RawPath) => { folder: FolderHandle; name: RawPath } | Failure
  readonly place: (path: RawPath) => string | Failure
  readonly anchored: (path: RawPath) => Anchored
}

function reaching({ base }: Roots, places: SourcePlaces, chain: FolderChain): Reaching {
  const entryAt: Reaching["entryAt"] = (path) => {
    const found = places.find(path)
    if (isFailure(found)) return found
    const reached = chain.reach(found.anchor, parentPath(found.path))
    if (typeof reached === "string") return { error: reached }
    return { folder: reached, name: found.path === "" ? ("." as RawPath) : baseName(found.path) }
  }
  return {
    folderAt(directory) {
      const found = places.find(directory)
      if (isFailure(found)) return found
      const reached = chain.reach(found.anchor, found.path)
      return typeof reached === "string" ? { error: reached } : reached
    },
    entryAt,
    place(path) {
      const found = entryAt(path)
      return isFailure(found) ? found : found.folder.prefix + found.name
    },
    anchored(path) {
      const found = places.find(path)
      if (isFailure(found)) return { anchor: -1, path: base }
      const { descriptor, prefix } = found.anchor
      return { anchor: descriptor, path: descriptor < 0 ? prefix + found.path : found.path }
    },
  }
}

/** Finds why a root can't be opened as a folder: it is missing, or is not a folder. */
function rootFailure({ base }: Roots, failure: Failure): Stat | Failure {
  const stat = lstat(base)
  return isFailure(stat) || stat.type !== "directory" ? stat : failure
}

function statIn(folder: FolderHandle, name: RawPath): Stat | Failure {
  if (name !== "." || folder.descriptor < 0) return lstat(folder.prefix + name)
  try {
    return toStat(fstatSync(folder.descriptor, { bigint: true }))
  } catch (error) {
    return { error: errorCode(error) }
  }
}

function readNames(folder: string): RawPath[] | Failure {
  try {
    // one character per byte, so that the default order is byte order
    return readdirSync(fsPath(folder), "latin1").sort() as RawPath[]
  } catch (error) {
    return { error: errorCode(error) }
  }
}
