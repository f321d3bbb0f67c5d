/** Homes as the door shows them: where this device keeps its keys, pins and caches. spec/home.md. */
import type { RepositoryId } from "../base/ids.ts"
import { findHome, type Home } from "./home.ts"
import { chooseDefault, defaultRepository, devicesIn, knownRepositories } from "./last-repository.ts"

export interface HomeOptions {
  /** Before HOLDFAST_HOME and the XDG folders. */
  readonly directory?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Finds the folders for keys, index and caches. Creates nothing.
 * @param directory before HOLDFAST_HOME and the XDG folders
 * @example
 * const home = openHome({ environment: process.env })
 */
export function openHome({ directory, environment }: HomeOptions): Home {
  return findHome(directory === undefined ? environment : { ...environment, HOLDFAST_HOME: directory })
}

/**
 * @returns the default repository, which a verb without a location uses; undefined if there is none
 */
export function rememberedRepository(
  home: Home,
): { readonly location: string; readonly repositoryId: RepositoryId } | undefined {
  const found = defaultRepository(home)
  return found === undefined ? undefined : { location: found.location, repositoryId: found.repository }
}

/**
 * Makes an open repository's location the default if there is none yet, or always with `replace`.
 * @returns the default location afterwards
 */
export function setDefaultRepository(home: Home, location: string, replace: boolean): string {
  return chooseDefault(home, location, replace)
}

export interface KnownPlaces {
  readonly locations: readonly string[]
  /** Repositories that this home has keys for, at whatever location. */
  readonly deviceCount: number
}

/**
 * @returns the repositories that this home has used, for a person who named none
 */
export function knownPlaces(home: Home): KnownPlaces {
  return {
    locations: knownRepositories(home).map(({ location }) => location),
    deviceCount: devicesIn(home).length,
  }
}
