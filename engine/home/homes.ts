/** Homes as the door shows them: where this device keeps its keys, pins and caches. spec/home.md. */
import type { RepositoryId } from "../base/ids.ts"
import { findHome, type Home } from "./home.ts"
import { chooseDefault, defaultRepository, devicesIn, knownRepositories } from "./last-repository.ts"

export interface HomeOptions {
  /** Before HOLDFAST_HOME and the XDG folders. */
  readonly directory?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Does nothing on disk. */
export function openHome({ directory, environment }: HomeOptions): Home {
  return findHome(directory === undefined ? environment : { ...environment, HOLDFAST_HOME: directory })
}

/** The repository that a verb without a location means. */
export function rememberedRepository(
  home: Home,
): { readonly location: string; readonly repositoryId: RepositoryId } | undefined {
  const found = defaultRepository(home)
  return found === undefined ? undefined : { location: found.location, repositoryId: found.repository }
}

/**
 * Makes an open repository's location the default: if there is none, or with `replace`. Gives the
 * location that is the default from now on.
 */
export function setDefaultRepository(home: Home, location: string, replace: boolean): string {
  return chooseDefault(home, location, replace)
}

export interface KnownPlaces {
  readonly locations: readonly string[]
  /** Repositories that this home has keys for, at whatever location. */
  readonly deviceCount: number
}

/** What a home without a default knows all the same. */
export function knownPlaces(home: Home): KnownPlaces {
  return {
    locations: knownRepositories(home).map(({ location }) => location),
    deviceCount: devicesIn(home).length,
  }
}
