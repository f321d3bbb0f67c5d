/**
 * Folders that a restore made so that its target could be there. Where it restores a part to where the snapshot was
 * taken, or a single file, they take what the snapshot recorded of them; all others have what the umask gives.
 */
import { dirname } from "node:path"
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, parentPath } from "../base/paths.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import { isFailure, lstat } from "../system/stat.ts"
import type { LeftOut, TargetOptions } from "../target/target.ts"
import type { Entry } from "../format/listing-entry.ts"
import { lookUp } from "../listing/look-up.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { metadataOf } from "./decide.ts"
import type { RestoreRequest } from "./restore-request.ts"

/** The target and the folders above it that are not there, innermost first. @param target absolute raw path */
export function missingFolders(target: string): readonly string[] {
  const missing: string[] = []
  for (let at = target; isMissing(at); at = dirname(at)) {
    missing.push(at)
    if (dirname(at) === at) break
  }
  return missing
}

function isMissing(path: string): boolean {
  const stat = lstat(path)
  return isFailure(stat) && stat.error === "ENOENT" // what else is wrong is reported where it is made
}

export interface MissingParents {
  readonly request: RestoreRequest
  readonly options: TargetOptions
  readonly missing: readonly string[]
  /** Loads nodes of the listing. */
  readonly load: LoadNodes
}

/** @param isFinished the target itself has its metadata already. Throws what opening a target throws. */
export async function finishMissing(
  { request, options, missing, load }: MissingParents,
  isFinished: boolean,
): Promise<readonly (readonly LeftOut[])[]> {
  const done: (readonly LeftOut[])[] = []
  for (const folder of missing) {
    const isTarget = folder === request.target
    if (isTarget && isFinished) continue
    const path = recordedPath(request, folder)
    const entry = path === undefined ? undefined : await recorded(request, load, path)
    if (entry?.type !== "directory" && !isTarget) continue // the umask's mode is what it was made with
    const at = openDiskTarget(folder, { ...options, staging: undefined })
    try {
      const { mode, ...rest } = standingMetadata(at)
      const own = { ...rest, mode: isTarget ? 0o777 & ~process.umask() : mode }
      const left = at.finishFolder("" as RawPath, entry?.type === "directory" ? metadataOf(entry) : own)
      done.push(left)
    } finally {
      at.close()
    }
  }
  return done
}

/** Undefined also where the listing is damaged. */
async function recorded(
  { snapshot }: RestoreRequest,
  load: LoadNodes,
  path: RawPath,
): Promise<Entry | undefined> {
  try {
    return await lookUp(snapshot.root, load, path)
  } catch (error) {
    if (!isEngineError(error)) throw error
    return undefined
  }
}

function standingMetadata(target: ReturnType<typeof openDiskTarget>): ReturnType<typeof metadataOf> {
  const here = "" as RawPath
  const stat = target.look(here)
  if (stat === undefined) throw new Error("a folder that was opened is there")
  const { mode, mtimeNs, uid, gid } = stat
  return { mode, mtimeNs, uid, gid, xattrs: target.attributes(here) }
}

/** Where the snapshot has what this folder is to be; undefined for a folder that it does not know. */
function recordedPath({ snapshot, target, within }: RestoreRequest, folder: string): RawPath | undefined {
  const part = within ?? ("" as RawPath)
  if (folder === target) return part === "" ? undefined : parentPath(part)
  const { base } = snapshot.options
  const landing = base === undefined ? undefined : below(base, target)
  // only above the very place that the part came from
  if (base === undefined || (landing !== part && landing !== parentPath(part))) return undefined
  return below(base, folder)
}

/** The path relative to `base`, when it is there or below. */
function below(base: string, path: string): RawPath | undefined {
  if (base === "/") return path.slice(1) as RawPath
  return isWithin(path, base) ? (path.slice(base.length + 1) as RawPath) : undefined
}
