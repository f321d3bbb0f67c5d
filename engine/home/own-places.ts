/**
 * Refuses to write a person's files in a repository or in holdfast's own data and caches. A restore
 * there would damage backups, and its files would look like the store's.
 */
import { realpathSync, statSync, type Stats } from "node:fs"
import { dirname } from "node:path"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, isWithin, rawPathFromText, showPath } from "../base/paths.ts"
import type { Home } from "./home.ts"
import { knownRepositories } from "./last-repository.ts"

/** The places of a repository and of this device's home on local disks. */
export interface OwnPlaces {
  /** The repository's absolute path, or an address that isn't a path. */
  readonly location: string
  readonly home: Home
}

/**
 * @param path absolute and raw; neither it nor the folders above it need exist
 * @param mayBe "repository": the place itself may be one, as the place of a mirror is
 * @throws conflict "own-place" inside a repository or holdfast's own folders
 */
export function refuseOwnPlace(own: OwnPlaces, path: string, mayBe?: "repository"): void {
  const place = realPlace(path)
  const mayBeOne = mayBe === "repository"
  const { identityRoot, cacheRoot } = own.home
  if ([identityRoot, cacheRoot].some((root) => isWithin(place, realPlace(rawPathFromText(root)))))
    throw refused(path, "is inside the folders in which holdfast keeps its own keys and caches")
  if (mayBeOne && [identityRoot, cacheRoot].some((root) => isWithin(realPlace(rawPathFromText(root)), place)))
    throw refused(path, "contains the folders in which holdfast keeps its own keys and caches")
  const repository = isFolder(own.location) ? realPlace(rawPathFromText(own.location)) : undefined
  if (repository !== undefined && isWithin(place, repository) && !(mayBeOne && place === repository))
    throw refused(path, "is inside the repository itself")
  for (let folder = place; ; folder = dirname(folder)) {
    if (looksLikeRepository(folder) && !(mayBeOne && folder === place))
      throw refused(
        path,
        folder === place ? "is a repository" : `is inside a repository (${showPath(folder)})`,
      )
    if (folder === "/") return
  }
}

/**
 * Returns the parts of this folder that belong to the home, the repository, or other repositories
 * seen by this home, as raw paths relative to it.
 */
export function ownPathsIn({ location, home }: OwnPlaces, root: string): RawPath[] {
  const seen = knownRepositories(home)
    .map((known) => known.location)
    .filter((place) => isFolder(place) && looksLikeRepository(rawPathFromText(place)))
  const own = isFolder(location) ? [location] : []
  const places = new Set([home.identityRoot, home.cacheRoot, ...own, ...seen])
  const base = realPlace(root)
  return [...places].map(rawPathFromText).flatMap((place) => {
    const found = realPlace(place)
    if (!isWithin(found, base === "/" ? "" : base)) return []
    return [found.slice(base === "/" ? 1 : base.length + 1) as RawPath]
  })
}

/** By its location alone; a store that is open says so itself. */
function isFolder(location: string): boolean {
  return location.startsWith("/")
}

function looksLikeRepository(folder: string): boolean {
  const within = folder === "/" ? "/" : `${folder}/`
  if (statOf(`${within}repository`)?.isFile() === true) return statOf(`${within}log`)?.isDirectory() === true
  return statOf(`${within}log/mirror`)?.isDirectory() === true // an unfinished mirror
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(fsPath(path), { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Resolves links as far as the folders exist. */
function realPlace(path: string): string {
  try {
    return realpathSync(fsPath(path), { encoding: "latin1" })
  } catch {
    const parent = dirname(path)
    if (parent === path) return path
    const above = realPlace(parent)
    return `${above === "/" ? "" : above}/${baseName(path as RawPath)}`
  }
}

function refused(path: string, why: string): EngineError {
  const message = `${showPath(path)}: ${why}. Choose another folder`
  return new EngineError("conflict", "own-place", message)
}
