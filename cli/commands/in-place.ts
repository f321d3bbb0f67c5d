/**
 * `restore --in-place`: finds the folder that a snapshot, or a part of it, was taken from. Accepts only snapshots
 * of this host, or of the named one. The destination follows from the recorded paths alone.
 */
import { hostname } from "node:os"
import {
  entries,
  recordedOrigin,
  shellWord,
  type Entry,
  type RawPath,
  type Repository,
} from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { UsageError } from "../output/exit-codes.ts"
import type { Named } from "./filter.ts"
import { shown } from "../output/entry-text.ts"

export interface Place {
  readonly target: RawPath
  /** The target has only the snapshot's paths: only then may extra files be removed. */
  readonly whole: boolean
  /** The named paths of the snapshot; undefined for all. */
  readonly only: readonly RawPath[] | undefined
}

export async function inPlace(
  { options }: Call,
  repository: Repository,
  { snapshot, path }: Named,
): Promise<Place> {
  requireHost(snapshot, options.text("from-host"))
  const { base, named } = recordedOrigin(snapshot)
  const isAll = named.includes("" as RawPath)
  const only = isAll ? undefined : named
  if (path === "") return { target: base, whole: isAll, only }
  if (!named.some((each) => isWithin(path, each) || isWithin(each, path)))
    throw new UsageError(`${shown(path)} is below no source path of snapshot ${snapshot.shortId}`)
  const entry = await entryAt(repository, snapshot, path)
  // A single file is placed under its own name in the target.
  const isFolder = entry === undefined || entry.type === "directory"
  return { target: below(base, isFolder ? path : parentOf(path)), whole: isAll && isFolder, only }
}

function requireHost({ host, shortId }: Named["snapshot"], fromHost: string | undefined): void {
  const here = hostname()
  if (host === (fromHost ?? here)) return
  const taken = `snapshot ${shortId} was taken on host ${shellWord(host)}`
  if (fromHost !== undefined) throw new UsageError(`${taken}, not on ${shellWord(fromHost)}`)
  throw new UsageError(
    `${taken}, and this host is ${shellWord(here)}. To restore it to the same paths here, add --from-host ${shellWord(host)}; to restore it elsewhere, use --target FOLDER`,
  )
}

function isWithin(path: string, above: string): boolean {
  return above === "" || path === above || path.startsWith(`${above}/`)
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
