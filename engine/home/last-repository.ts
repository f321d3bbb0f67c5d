/**
 * last-repository.json: the repository seen at each location, and the default for verbs without
 * `-r`. Each repository's folder also notes its location, so a lost or damaged file costs at most
 * one `-r`. spec/home.md.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { withFileLock } from "./file-lock.ts"
import { type Home, repositoryPaths } from "./home.ts"
import { damaged, parseJsonFile } from "./json-file.ts"
import { makePrivateFolder, readPrivateFile, writePrivateFile } from "./private-files.ts"

const LOCK_TIMEOUT_MS = 10_000

export interface KnownRepository {
  /** As typed by a person, made absolute, without secrets. */
  readonly location: string
  readonly repository: RepositoryId
}

interface Known {
  readonly repositories: readonly KnownRepository[]
  /** One of the locations; undefined if none was chosen. */
  readonly chosen: string | undefined
}

export function knownRepositories(home: Home): readonly KnownRepository[] {
  return readKnown(home).repositories
}

/** Returns the default for verbs without `-r`. */
export function defaultRepository(home: Home): KnownRepository | undefined {
  const { repositories, chosen } = readKnown(home)
  return repositories.find(({ location }) => location === chosen)
}

export function repositoryAt(home: Home, location: string): RepositoryId | undefined {
  return knownRepositories(home).find((known) => known.location === location)?.repository
}

/** Records the repository at its location. The default stays. */
export function rememberRepository(home: Home, known: KnownRepository): void {
  const there = readFile(home)?.repositories
  if (
    there?.some((each) => each.location === known.location && each.repository === known.repository) === true
  )
    return
  change(home, ({ repositories, chosen }) => {
    const others = repositories.filter(({ location }) => location !== known.location)
    return { repositories: [...others, known], chosen }
  })
  const folder = repositoryPaths(home, known.repository).identityFolder
  if (fs.existsSync(folder)) writePrivateFile(noteOf(folder), `${JSON.stringify(noteFor(known))}\n`)
}

/**
 * Makes an open repository's location the default if no default is set, or always with `replace`.
 * @returns the default location afterwards
 */
export function setDefaultRepository(home: Home, location: string, replace: boolean): string {
  const before = defaultRepository(home)?.location
  if (before === location || (before !== undefined && !replace)) return before
  change(home, (known) => ({ ...known, chosen: location }))
  return location
}

/** Returns repositories that this home has a device's keys for. */
export function devicesIn(home: Home): RepositoryId[] {
  return foldersIn(home).filter((id) => fs.existsSync(repositoryPaths(home, id).devicePath))
}

function change(home: Home, edit: (known: Known) => Known): void {
  makePrivateFolder(home.identityRoot)
  withFileLock(path.join(home.identityRoot, "last-repository.lock"), LOCK_TIMEOUT_MS, () => {
    const { repositories, chosen } = edit(readKnown(home))
    const items = repositories.map(({ location, repository }) => ({ location, repository }))
    const content = { version: 1, default: chosen ?? null, repositories: items }
    writePrivateFile(fileOf(home), `${JSON.stringify(content, null, 2)}\n`)
  })
}

function readKnown(home: Home): Known {
  return readFile(home) ?? fromNotes(home)
}

/** Returns undefined if the file is lost or damaged. In earlier versions the last one was the default. */
function readFile(home: Home): Known | undefined {
  const file = fileOf(home)
  const text = readPrivateFile(file)
  if (text === undefined) return undefined
  try {
    const fields = parseJsonFile(text, file)
    const repositories = fields.list("repositories").map((item) => ({
      location: item.text("location"),
      repository: item.hex("repository", 16) as RepositoryId,
    }))
    if (fields.isNull("default")) return { repositories, chosen: undefined }
    return {
      repositories,
      chosen: fields.has("default") ? fields.text("default") : repositories.at(-1)?.location,
    }
  } catch (error) {
    if (isEngineError(error, "home-damaged")) return undefined
    throw error
  }
}

/** Reads the notes in the repositories' own folders. A single one is the default. */
function fromNotes(home: Home): Known {
  const repositories: KnownRepository[] = []
  for (const id of foldersIn(home)) {
    const note = readNote(noteOf(repositoryPaths(home, id).identityFolder))
    if (note?.repository === id) repositories.push(note)
  }
  return { repositories, chosen: repositories.length === 1 ? repositories[0]?.location : undefined }
}

function noteFor({ location, repository }: KnownRepository): object {
  return { version: 1, location, repository }
}

function readNote(file: string): KnownRepository | undefined {
  try {
    const text = readPrivateFile(file)
    if (text === undefined) return undefined
    const fields = parseJsonFile(text, file)
    if (fields.integer("version") !== 1) throw damaged(file, "another version")
    return { location: fields.text("location"), repository: fields.hex("repository", 16) as RepositoryId }
  } catch (error) {
    if (isEngineError(error)) return undefined
    throw error
  }
}

function foldersIn(home: Home): RepositoryId[] {
  try {
    const names = fs.readdirSync(path.join(home.identityRoot, "repositories"))
    return names.filter((name) => /^[0-9a-f]{32}$/.test(name)).sort() as RepositoryId[]
  } catch {
    return []
  }
}

function noteOf(folder: string): string {
  return path.join(folder, "location.json")
}

function fileOf(home: Home): string {
  return path.join(home.identityRoot, "last-repository.json")
}

/** @returns the default repository, which a verb without a location uses; undefined if no default is set */
export function rememberedRepository(
  home: Home,
): { readonly location: string; readonly repositoryId: RepositoryId } | undefined {
  const found = defaultRepository(home)
  return found === undefined ? undefined : { location: found.location, repositoryId: found.repository }
}

export interface KnownPlaces {
  readonly locations: readonly string[]
  /** Number of repositories that this home has keys for, at any location. */
  readonly deviceCount: number
}

/** @returns the repositories that this home has used */
export function knownPlaces(home: Home): KnownPlaces {
  return {
    locations: knownRepositories(home).map(({ location }) => location),
    deviceCount: devicesIn(home).length,
  }
}
