/**
 * The folder that a snapshot was taken from, as it records it: the target of `restore --in-place`. The author of a
 * snapshot could record any folder. So it counts only if it follows from the recorded paths, as `source/roots.ts`
 * derives it, and a restore there takes only these paths. Rule F29 of spec/files.md.
 */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { pathBelow, showPath } from "../base/paths.ts"
import type { SnapshotRecord } from "../log/view.ts"

export interface RecordedOrigin {
  /** Absolute path of the snapshot's root. */
  readonly base: RawPath
  /** The source paths, as paths in the snapshot; "" is all of it. */
  readonly named: readonly RawPath[]
}

type Recorded = Pick<SnapshotRecord, "shortId" | "paths" | "options" | "skipped">

/**
 * @returns the folder that a snapshot was taken from, for a restore in place
 * @throws invalid "no-origin", "renamed" or "strange-origin"
 */
export function recordedOrigin({ shortId, paths, options, skipped }: Recorded): RecordedOrigin {
  const { base, renamed } = options
  if (base === undefined)
    throw new EngineError(
      "invalid",
      "no-origin",
      `snapshot ${shortId} was not taken from a folder. Use --target FOLDER`,
    )
  // a renamed part is not where its name says
  if (renamed !== undefined) {
    const message = `parts of snapshot ${shortId} were saved under other names. Use --target FOLDER`
    throw new EngineError("invalid", "renamed", message)
  }
  // a missing source path is in `skipped` with its absolute path
  const missing = skipped.map(({ path }) => path).filter((path) => path.startsWith("/"))
  if (!follows(base, paths, missing)) {
    const message = `snapshot ${shortId}: the folder that it records, ${showPath(base)}, does not follow from its source paths (${paths.map(showPath).join(", ")}). Use --target FOLDER`
    throw new EngineError("invalid", "strange-origin", message)
  }
  return { base: base as RawPath, named: namedBelow(base, paths) }
}

/** These absolute paths as paths of the snapshot, without those outside `base`. */
export function namedBelow(base: string | undefined, paths: readonly RawPath[]): RawPath[] {
  if (base === undefined) return []
  return paths.flatMap((path) => pathBelow(path, base) ?? [])
}

/** One path is the base itself or in it. Several have the base as common parent; missing paths may move it up. */
function follows(base: string, paths: readonly string[], missing: readonly string[]): boolean {
  if (![base, ...paths].every(isAbsolute)) return false
  if (paths.length === 1 && missing.length === 0 && paths[0] === base) return true
  const names = namesOf(base)
  const lowest = commonParent(paths)
  const highest = commonParent([...paths, ...missing])
  if (lowest === undefined || highest === undefined) return false
  return isAbove(names, lowest) && isAbove(highest, names)
}

function isAbsolute(path: string): boolean {
  if (path === "/") return true
  const [first, ...names] = path.split("/")
  return first === "" && names.every((name) => name !== "" && name !== "." && name !== "..")
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "")
}

/** Also true for the same path. */
function isAbove(above: readonly string[], names: readonly string[]): boolean {
  return above.every((name, i) => names[i] === name)
}

/** Undefined for no paths. */
function commonParent(paths: readonly string[]): string[] | undefined {
  let common: string[] | undefined
  for (const path of paths) {
    const parents = namesOf(path).slice(0, -1)
    if (common === undefined) common = parents
    let same = 0
    while (same < common.length && common[same] === parents[same]) same++
    common = common.slice(0, same)
  }
  return common
}
