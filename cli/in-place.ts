/** `restore --in-place`: the folder that a snapshot, or a part of it, was taken from. */
import { entries, type Entry, type RawPath, type Repository } from "../engine/index.ts"
import { UsageError } from "./exit-codes.ts"
import type { Named } from "./filter.ts"

export interface Place {
  readonly target: RawPath
  /** The target is nothing but the snapshot's own: only then may extra files be removed. */
  readonly whole: boolean
}

export async function inPlace(repository: Repository, { snapshot, path }: Named): Promise<Place> {
  const { paths, options, shortId } = snapshot
  const { base, renamed } = options
  if (base === undefined)
    throw new UsageError(`snapshot ${shortId} was not taken from a folder. Use --target FOLDER`)
  // What was saved under another name is not where its name says.
  if (renamed !== undefined)
    throw new UsageError(`parts of snapshot ${shortId} were saved under other names. Use --target FOLDER`)
  const whole = paths.length === 1 && paths[0] === base
  if (path === "") return { target: base as RawPath, whole }
  const entry = await entryAt(repository, snapshot, path)
  // What is no folder is placed under its own name in the target.
  const isFolder = entry === undefined || entry.type === "directory"
  return { target: below(base, isFolder ? path : parentOf(path)), whole: whole && isFolder }
}

async function entryAt(
  repository: Repository,
  snapshot: Named["snapshot"],
  path: string,
): Promise<Entry | undefined> {
  for await (const entry of entries(repository, snapshot, { within: path as RawPath, recursive: false })) {
    return entry.path === path ? entry : undefined
  }
  return undefined
}

function below(base: string, inside: string): RawPath {
  return (inside === "" ? base : `${base === "/" ? "" : base}/${inside}`) as RawPath
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")))
}
