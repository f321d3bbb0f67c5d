/**
 * The paths that a caller names: checked, and found in the snapshot. Nothing outside the workspace can be named, and
 * holdfast's own files in the workspace are never touched by a restore.
 */
import { rawPathFromText, showPath, type Entry, type RawPath } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"

/**
 * The configuration is a person's to approve; log and dashboard are written by this machine's runs. Some file systems
 * take names in another case for the same.
 */
const OWN =
  /^(session-sync-config\.json|memory\/sync-log(\.\d{1,2})?\.jsonl|memory\/sync-dashboard\.html)(\/|$)/i

/** @param path in the workspace */
export function isOwnFile(path: string): boolean {
  return OWN.test(path) || path.split("/").some((name) => name.startsWith(".holdfast-restore-"))
}

/** @throws AgentProblem "bad-path" for a path that is absolute, empty or leads out of the workspace */
export function checkedPath(text: string): RawPath {
  const path = text.replace(/^(\.\/)+/, "").replace(/\/+$/, "")
  const names = path.split("/")
  const why =
    path === ""
      ? "it names the whole workspace; leave `paths` out for that"
      : path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)
        ? "it is absolute"
        : path.includes("\0")
          ? "it contains a NUL"
          : names.includes("..")
            ? 'it contains ".."'
            : names.includes("") || names.includes(".")
              ? "it contains an empty name"
              : undefined
  if (why !== undefined)
    throw new AgentProblem(
      "bad-path",
      `${shown(text)}: ${why}`,
      "name files or folders relative to the workspace",
    )
  if (isOwnFile(path))
    throw new AgentProblem(
      "bad-path",
      `${shown(text)} is holdfast's own file on this machine and is never restored over`,
      "use mode staged without paths to look at the backed-up one",
    )
  return rawPathFromText(path)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}

/**
 * @param paths raw, in the workspace
 * @param entries all of the workspace's entries
 * @throws AgentProblem "path-not-found" with near names for a path that the snapshot doesn't have
 */
export function requirePaths(paths: readonly RawPath[], entries: ReadonlyMap<RawPath, Entry>): void {
  for (const path of paths) {
    if (entries.has(path)) continue
    const near = nearNames(path, [...entries.keys()])
    throw new AgentProblem(
      "path-not-found",
      `the snapshot has no ${showPath(path)}`,
      near.length === 0 ? "mode preview lists its files" : `it has ${near.map(showPath).join(", ")}`,
    )
  }
}

const NEAR_MAX = 5

/** Names that differ by case, by folder, or by a few letters; the nearest first. */
function nearNames(path: RawPath, all: readonly RawPath[]): RawPath[] {
  const most = Math.max(2, Math.floor(path.length / 4))
  return all
    .filter((each) => each !== "")
    .map((each) => ({ each, distance: nearness(path, each, most) }))
    .filter(({ distance }) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, NEAR_MAX)
    .map(({ each }) => each)
}

function nearness(path: string, other: string, most: number): number {
  const [a, b] = [path.toLowerCase(), other.toLowerCase()]
  if (a === b) return 0
  if (nameOf(a) === nameOf(b)) return 1
  if (Math.abs(a.length - b.length) > most) return most + 1
  return editDistance(a, b)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1)
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
