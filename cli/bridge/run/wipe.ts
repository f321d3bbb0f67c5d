/**
 * The wipe alarm: decides, when a run is about to commit, whether the agent's memory has vanished since the last good
 * snapshot. The snapshot is made in any case; the flag keeps `latest` away from it until a person accepts it. Counts
 * only what the profile calls memory: databases, and sessions that the host removes itself, do not count.
 */
import { patternSet, rawPathFromText, type RawPath } from "../../../engine/index.ts"
import type { Memory } from "../setup.ts"

const FILES_MIN = 3
const BYTES_MIN = 16 * 1024
/** Of the files, and of their bytes. */
const SHARE = 1 / 2
/** A core file that shrinks below this share of its size is suspect. */
const CORE_SHARE = 1 / 10

/** Sizes of files by their path in the workspace. */
export type Sizes = ReadonlyMap<string, number>

export interface WipeQuestion {
  readonly memory: Memory
  /** Memory files of the last good snapshot. */
  readonly before: Sizes
  readonly after: Sizes
  /** Whether a file is the host's own template now, which counts as absent. */
  readonly isTemplate: (path: string, size: number) => boolean
  /** Files that are left out on purpose, such as those with secrets: they have not vanished. */
  readonly leftOut: ReadonlySet<string>
}

/** @returns why a wipe is suspected; undefined if it is not */
export function suspectWipe({
  memory,
  before,
  after,
  isTemplate,
  leftOut,
}: WipeQuestion): string | undefined {
  const sizeNow = (path: string): number => {
    const size = after.get(path) ?? 0
    // a file that was as large as the template when it was backed up was the template then
    return size > 0 && before.get(path) !== size && isTemplate(path, size) ? 0 : size
  }
  const core = matcher(memory.core)
  const moved = movedFiles(before, after)
  const found = { files: 0, filesGone: 0, bytes: 0, bytesGone: 0 }
  for (const [path, size] of before) {
    if (size === 0 || leftOut.has(path)) continue
    const own = sizeNow(path)
    if (core(path) && own < size * CORE_SHARE)
      return own === 0 ? `${path} is missing` : `${path} has shrunk from ${size} to ${own} bytes`
    const now = moved.has(path) ? size : own
    found.files++
    found.bytes += size
    if (now === 0) found.filesGone++
    found.bytesGone += Math.max(0, size - now)
  }
  const { files, filesGone, bytes, bytesGone } = found
  if (filesGone >= FILES_MIN && filesGone >= files * SHARE)
    return `${filesGone} of ${files} memory files are missing`
  if (bytesGone >= BYTES_MIN && bytesGone >= bytes * SHARE)
    return `${bytesGone} of ${bytes} bytes of the memory files are missing`
  return undefined
}

/** Files with a new path: a file of the same name and size is in another folder, where none was. */
function movedFiles(before: Sizes, after: Sizes): Set<string> {
  const arrived = new Map<string, number>()
  for (const [path, size] of after) {
    const key = `${size} ${nameOf(path)}`
    if (!before.has(path)) arrived.set(key, (arrived.get(key) ?? 0) + 1)
  }
  const moved = new Set<string>()
  for (const [path, size] of before) {
    const key = `${size} ${nameOf(path)}`
    const left = after.has(path) ? 0 : (arrived.get(key) ?? 0)
    if (left === 0) continue
    arrived.set(key, left - 1)
    moved.add(path)
  }
  return moved
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1)
}

/** Whether a path of the workspace, or a folder above it, matches one of these globs, relative to the workspace. */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs.map((glob) => (glob.startsWith("/") ? glob : `/${glob}`))
  const set = patternSet("" as RawPath, rawPathFromText(patterns.join("\n")))
  return (path) => {
    const names = path.split("/")
    return names.some((_, i) => {
      const isFolder = i < names.length - 1
      return set.verdict(rawPathFromText(names.slice(0, i + 1).join("/")), isFolder) === "leave"
    })
  }
}
