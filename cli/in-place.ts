/** `restore --in-place`: the folder that a snapshot, or a part of it, was taken from. */
import { entries, showPath, type Entry, type RawPath, type Repository } from "../engine/index.ts"
import { UsageError } from "./exit-codes.ts"
import type { Named } from "./filter.ts"

export interface Place {
  readonly target: RawPath
  /** The target is nothing but the snapshot's own: only then may extra files be removed. */
  readonly whole: boolean
}

export async function inPlace(repository: Repository, { snapshot, path }: Named): Promise<Place> {
  const { paths, options, shortId } = snapshot
  const base = options["base"]
  if (base === undefined)
    throw new UsageError(`snapshot ${shortId} came from no folder; give --target FOLDER`)
  const whole = paths.length === 1 && paths[0] === base
  if (!whole) await refuseRenamed(repository, snapshot, base)
  if (path === "") return { target: base as RawPath, whole }
  const entry = await entryAt(repository, snapshot, path)
  // What is no folder is placed under its own name in the target.
  const isFolder = entry === undefined || entry.type === "directory"
  return { target: below(base, isFolder ? path : parentOf(path)), whole: whole && isFolder }
}

/** A path that was saved under another name is not where its name says. */
async function refuseRenamed(
  repository: Repository,
  snapshot: Named["snapshot"],
  base: string,
): Promise<void> {
  for (const path of snapshot.paths) {
    const inside = path.startsWith(base === "/" ? "/" : `${base}/`)
      ? path.slice(base === "/" ? 1 : base.length + 1)
      : ""
    if (inside !== "" && (await entryAt(repository, snapshot, inside)) !== undefined) continue
    throw new UsageError(`${showPath(path)} was saved under another name; give --target FOLDER`)
  }
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
