/** Homes as the door shows them: where this device keeps its keys, pins and caches. spec/home.md. */
import type { RepositoryId } from "./base/ids.ts"
import { findHome } from "./home/home.ts"
import type { Home } from "./home/home.ts"
import { lastRepository } from "./home/last-repository.ts"

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
  const last = lastRepository(home)
  return last === undefined ? undefined : { location: last.location, repositoryId: last.repository }
}
