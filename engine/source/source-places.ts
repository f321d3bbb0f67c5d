/**
 * Maps a path in a snapshot to its place on the disk: a folder that is opened once, the anchor, and a path
 * below it without links. Most sources have one anchor. Each chosen path that has another name, or is reached
 * through a link, has its own. spec/files.md.
 */
import { errorCode } from "../base/errno.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, joinPath, parentPath } from "../base/paths.ts"
import { closeHandle, openAnchor } from "../system/folder-chain.ts"
import type { FolderHandle } from "../system/in-folder.ts"
import type { Included, Roots } from "./roots.ts"
import type { Failure } from "../system/stat.ts"

export interface Place {
  readonly anchor: FolderHandle
  /** Relative to the anchor; "" is the anchor itself. */
  readonly path: RawPath
}

export interface SourcePlaces {
  find(path: RawPath): Place | Failure
  /** Returns the folder's part of the tree, if only some of its entries were chosen. */
  partOf(directory: RawPath): Included | undefined
  close(): void
}

interface Where {
  readonly folder: string
  readonly path: RawPath
}

export function sourcePlaces(roots: Roots): SourcePlaces {
  const anchors = new Map<string, FolderHandle>()
  let last:
    { readonly parent: RawPath; readonly where: Where; readonly part: Included | undefined } | undefined

  const anchorOf = (folder: string): FolderHandle => {
    let anchor = anchors.get(folder)
    if (anchor === undefined) anchors.set(folder, (anchor = openAnchor(folder)))
    return anchor
  }
  const partOf = (directory: RawPath): Included | undefined => {
    if (roots.tree.whole) return undefined
    return directory === "" ? roots.tree : openPart(descend(roots, directory).part)
  }
  const where = (path: RawPath): Where => {
    if (roots.tree.whole || path === "") return { folder: roots.base, path }
    const parent = parentPath(path)
    if (last?.parent !== parent) last = { parent, ...descend(roots, parent) }
    return step({ where: last.where, part: last.part }, baseName(path)).where
  }
  return {
    partOf,
    find(path) {
      const { folder, path: below } = where(path)
      try {
        return { anchor: anchorOf(folder), path: below }
      } catch (error) {
        return { error: errorCode(error) }
      }
    },
    close() {
      for (const anchor of anchors.values()) closeHandle(anchor)
      anchors.clear()
    },
  }
}

function openPart(part: Included | undefined): Included | undefined {
  return part?.whole === false ? part : undefined
}

interface Reached {
  readonly where: Where
  readonly part: Included | undefined
}

function descend(roots: Roots, path: RawPath): Reached {
  let reached: Reached = { where: { folder: roots.base, path: "" as RawPath }, part: roots.tree }
  if (path === "") return reached
  for (const name of path.split("/") as RawPath[]) reached = step(reached, name)
  return reached
}

function step({ where, part }: Reached, name: RawPath): Reached {
  const child = openPart(part)?.children.get(name)
  const at = child?.at
  if (at === undefined)
    return { where: { folder: where.folder, path: joinPath(where.path, name) }, part: child }
  if (at === "/") return { where: { folder: "/", path: "" as RawPath }, part: child }
  const slash = at.lastIndexOf("/")
  return {
    where: { folder: slash === 0 ? "/" : at.slice(0, slash), path: at.slice(slash + 1) as RawPath },
    part: child,
  }
}
