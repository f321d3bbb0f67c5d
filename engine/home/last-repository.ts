/**
 * last-repository.json: which repository a verb without `-r` means, and which repository was seen at
 * which location. A convenience: when it is lost or damaged, `-r` is asked for once more.
 */
import * as path from "node:path"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { withFileLock } from "./file-lock.ts"
import type { Home } from "./home.ts"
import { parseJsonFile } from "./json-file.ts"
import { makePrivateFolder, readPrivateFile, writePrivateFile } from "./private-files.ts"

const LOCK_TIMEOUT_MS = 10_000

export interface KnownRepository {
  /** As a person typed it, made absolute; without secrets. */
  readonly location: string
  readonly repository: RepositoryId
}

/** The one used last comes last. */
export function knownRepositories(home: Home): KnownRepository[] {
  const file = fileOf(home)
  const text = readPrivateFile(file)
  if (text === undefined) return []
  try {
    return parseJsonFile(text, file)
      .list("repositories")
      .map((item) => ({
        location: item.text("location"),
        repository: item.hex("repository", 16) as RepositoryId,
      }))
  } catch (error) {
    if (isEngineError(error, "home-damaged")) return []
    throw error
  }
}

export function lastRepository(home: Home): KnownRepository | undefined {
  return knownRepositories(home).at(-1)
}

export function repositoryAt(home: Home, location: string): RepositoryId | undefined {
  return knownRepositories(home).find((known) => known.location === location)?.repository
}

/** Makes it the last one, and the one at its location. */
export function rememberRepository(home: Home, known: KnownRepository): void {
  const last = lastRepository(home)
  if (last?.location === known.location && last.repository === known.repository) return
  makePrivateFolder(home.identityRoot)
  withFileLock(path.join(home.identityRoot, "last-repository.lock"), LOCK_TIMEOUT_MS, () => {
    const others = knownRepositories(home).filter((other) => other.location !== known.location)
    const { location, repository } = known
    const content = { version: 1, repositories: [...others, { location, repository }] }
    writePrivateFile(fileOf(home), `${JSON.stringify(content, null, 2)}\n`)
  })
}

function fileOf(home: Home): string {
  return path.join(home.identityRoot, "last-repository.json")
}
