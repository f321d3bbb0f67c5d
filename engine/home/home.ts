/**
 * The places of this device's files: identity under one root, caches under another, each with one
 * folder per repository. HOLDFAST_HOME sets both roots, so two homes are two devices. spec/home.md
 * lists the files and the cost of losing each (rule L1).
 */
import * as os from "node:os"
import * as path from "node:path"
import { EngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { makePrivateFolder, removeLeftovers } from "./private-files.ts"

export interface Home {
  /** Keys, pins, locks and the last repository. Back these up, or enrol again. */
  readonly identityRoot: string
  /** Files that can be deleted at any time. */
  readonly cacheRoot: string
}

/** The paths of one repository's files. The folders exist. */
export interface RepositoryHome {
  readonly repository: RepositoryId
  /** The home's root; a backup excludes everything in it. */
  readonly identityRoot: string
  readonly cacheRoot: string
  readonly identityFolder: string
  readonly devicePath: string
  readonly pinsPath: string
  readonly locksFolder: string
  /** In a dry run: the real home's locks, which it respects but doesn't take. */
  readonly realLocksFolder?: string
  readonly statePath: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Doesn't access the disk.
 * @param environment usually `process.env`
 * @throws invalid "no-home"
 */
export function findHome(environment: Environment): Home {
  const own = environment["HOLDFAST_HOME"]
  if (own !== undefined && own !== "")
    return { identityRoot: path.resolve(own), cacheRoot: path.resolve(own) }
  return {
    identityRoot: path.join(xdg(environment, "XDG_DATA_HOME", ".local/share"), "holdfast"),
    cacheRoot: path.join(xdg(environment, "XDG_CACHE_HOME", ".cache"), "holdfast"),
  }
}

/** The XDG standard says to ignore a relative path. */
function xdg(environment: Environment, name: string, otherwise: string): string {
  const set = environment[name]
  if (set !== undefined && path.isAbsolute(set)) return set
  const user = environment["HOME"] ?? os.homedir()
  if (path.isAbsolute(user)) return path.join(user, otherwise)
  // relative to the current folder, every folder would have other keys
  const found = user === "" ? "HOME is empty" : `HOME is not an absolute path ("${user}")`
  const message = `${found}. holdfast keeps its keys and caches there: set HOME or HOLDFAST_HOME`
  throw new EngineError("invalid", "no-home", message)
}

export interface HomeOptions {
  /** Overrides HOLDFAST_HOME and the XDG folders. */
  readonly directory?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Finds the folders for keys, index and caches. Creates nothing.
 * @param directory overrides HOLDFAST_HOME and the XDG folders
 * @example
 * const home = openHome({ environment: process.env })
 */
export function openHome({ directory, environment }: HomeOptions): Home {
  return findHome(directory === undefined ? environment : { ...environment, HOLDFAST_HOME: directory })
}

/** Doesn't access the disk. */
export function repositoryPaths(home: Home, repository: RepositoryId): RepositoryHome {
  const identityFolder = path.join(home.identityRoot, "repositories", repository)
  return {
    repository,
    identityRoot: home.identityRoot,
    cacheRoot: home.cacheRoot,
    identityFolder,
    devicePath: path.join(identityFolder, "device.json"),
    pinsPath: path.join(identityFolder, "pins.json"),
    locksFolder: path.join(identityFolder, "locks"),
    statePath: path.join(home.cacheRoot, "repositories", repository, "state.sqlite"),
  }
}

/** Creates the folders. */
export function openRepositoryHome(home: Home, repository: RepositoryId): RepositoryHome {
  const paths = repositoryPaths(home, repository)
  makePrivateFolder(paths.locksFolder)
  makePrivateFolder(path.dirname(paths.statePath))
  removeLeftovers(paths.identityFolder, Date.now())
  return paths
}
