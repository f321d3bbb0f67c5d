/**
 * A source on this machine's disk: a folder, or the chosen paths below it (`roots.ts`). Names are
 * read and handed to the system as bytes, so that names in any encoding survive; an ASCII path goes
 * as a string, which is faster. spec/files.md.
 */
import { closeSync, constants, openSync, readdirSync, readlinkSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { O_PATH } from "./in-folder.ts"
import { hasExactSizes } from "./exact-sizes.ts"
import type { Native } from "./native.ts"
import { openOwners } from "./owners.ts"
import { everything, type Included, type Roots } from "./roots.ts"
import type { Source, Failure } from "./source.ts"
import { errorCode, lstat } from "./stat.ts"

/** So many entries are looked at before the calls that are not Node's are loaded for it, which takes a while. */
const LOOKS_BEFORE_NATIVE = 2_000
/** Below this, a handle on the folder costs more than it saves. */
const HANDLE_PAYS = 4

/**
 * @param roots what to back up; a string is the absolute raw path of one folder
 * @param native opens the calls that Node lacks when they are needed; without, there are no attributes
 */
export function openDiskSource(roots: Roots | string, native?: () => Native | undefined): Source {
  const chosen = typeof roots === "string" ? everything(roots) : roots
  const absolute = chosen.tree.whole ? below(chosen.base) : through(chosen)
  const owners = openOwners()
  const hintsByDevice = new Map<bigint, boolean>()
  let looks = 0
  return {
    list: (directory) => {
      const partial = partOf(chosen.tree, directory)
      return partial === undefined ? readNames(absolute(directory)) : [...partial.children.keys()].sort()
    },
    stat: (path) => lstat(absolute(path)),
    statAll: (directory, names) => {
      looks += names.length
      if (looks < LOOKS_BEFORE_NATIVE || names.length < HANDLE_PAYS) return undefined
      if (partOf(chosen.tree, directory) !== undefined) return undefined // its entries lie in several places
      const calls = native?.()
      return calls && statNames(absolute(directory), names, calls)
    },
    readLink: (path) => {
      try {
        return readlinkSync(fsPath(absolute(path)), "latin1") as RawPath
      } catch (error) {
        return { error: errorCode(error) }
      }
    },
    sizesAreHints: (path, device) => {
      let hints = hintsByDevice.get(device)
      if (hints === undefined) hintsByDevice.set(device, (hints = !hasExactSizes(absolute(path))))
      return hints
    },
    absolute,
    xattrsAvailable: native !== undefined,
    xattrs: (path) => native?.()?.attributes(absolute(path)) ?? [],
    userName: (uid) => owners.userName(uid),
    groupName: (gid) => owners.groupName(gid),
  }
}

function statNames(
  folder: string,
  names: readonly RawPath[],
  native: Native,
): ReturnType<NonNullable<Source["statAll"]>> {
  let handle: number
  try {
    handle = openSync(fsPath(folder), O_PATH | constants.O_DIRECTORY)
  } catch {
    return undefined // each name says what is wrong
  }
  try {
    return names.map((name) => native.statAt(handle, name))
  } finally {
    closeSync(handle)
  }
}

function readNames(directory: string): RawPath[] | Failure {
  try {
    // one character a byte, so that the default order is the order of the bytes
    return readdirSync(fsPath(directory), "latin1").sort() as RawPath[]
  } catch (error) {
    return { error: errorCode(error) }
  }
}

function below(base: string): (path: RawPath) => string {
  const prefix = base.endsWith("/") ? base : `${base}/`
  return (path) => (path === "" ? base : prefix + path)
}

/** The part of the tree that a folder is, when only some of its entries were chosen. */
function partOf(tree: Included, directory: RawPath): Included | undefined {
  let part: Included | undefined = tree
  if (directory !== "") {
    for (const name of directory.split("/")) {
      if (part === undefined || part.whole) return undefined
      part = part.children.get(name as RawPath)
    }
  }
  return part?.whole === false ? part : undefined
}

/** Finds the place of a path whose upper components are chosen ones, perhaps under other names. */
function through(roots: Roots): (path: RawPath) => string {
  let lastParent: string | undefined
  let lastPlace = ""
  return (path) => {
    if (path === "") return roots.base
    const slash = path.lastIndexOf("/")
    const parent = slash < 0 ? "" : path.slice(0, slash)
    if (parent !== lastParent) {
      lastPlace = place(roots, parent)
      lastParent = parent
    }
    const name = path.slice(slash + 1)
    const renamed = partOf(roots.tree, parent as RawPath)?.children.get(name as RawPath)?.at
    return renamed ?? (lastPlace === "/" ? `/${name}` : `${lastPlace}/${name}`)
  }
}

function place(roots: Roots, path: string): string {
  let at = roots.base
  let part: Included | undefined = roots.tree
  if (path === "") return at
  for (const name of path.split("/")) {
    part = part?.children.get(name as RawPath)
    at = part?.at ?? (at === "/" ? `/${name}` : `${at}/${name}`)
  }
  return at
}
