/**
 * The part of an engine request that a set-up determines: named roots, and the patterns of each root as patterns of
 * the snapshot, in which the root is a folder at the top.
 */
import { rawPathFromText, type BackupRequest, type RawPath } from "../../../engine/index.ts"
import type { AgentRoot, Setup } from "../setup.ts"

export type SourceRequest = Pick<BackupRequest, "paths" | "cwd"> & {
  readonly selection: NonNullable<BackupRequest["selection"]>
}

/** @param leftOut paths in the snapshot of files that are left out, too */
export function sourceOf(
  { roots, workspace }: Pick<Setup, "roots" | "workspace">,
  leftOut: Iterable<RawPath> = [],
): SourceRequest {
  const isSelective = roots.some(({ include }) => include.length > 0)
  const includes = roots.flatMap(({ name, include }) =>
    include.length > 0 ? include.map((each) => inRoot(name, each)) : [`/${name}`],
  )
  const excludes = roots.flatMap(({ name, exclude }) => exclude.map((each) => inRoot(name, each)))
  return {
    paths: roots.map(({ name, path }) => rawPathFromText(`${name}=${path}`)),
    cwd: rawPathFromText(workspace),
    selection: {
      ...(isSelective ? { includes: includes.map(rawPathFromText) } : {}),
      excludes: [...excludes.map(rawPathFromText), ...[...leftOut].map(literal)],
      ignoreFiles: [],
    },
  }
}

/** Moves a gitignore pattern below the root's folder: `*.key` becomes `/workspace/**` + `/*.key`. */
function inRoot(root: AgentRoot["name"], pattern: string): string {
  const not = pattern.startsWith("!") ? "!" : ""
  const body = pattern.slice(not.length)
  // a slash before the last character anchors a pattern
  const isAnchored = body.slice(0, -1).includes("/")
  const below = isAnchored ? body.replace(/^\//, "") : `**/${body}`
  return `${not}/${root}/${below}`
}

/** The pattern that matches exactly this path, except that a line's end matches any character. */
function literal(path: RawPath): RawPath {
  const escaped = path
    .replace(/[\\*?[\]]/g, "\\$&")
    .replace(/ $/, "\\ ")
    .replace(/[\n\r]/g, "?")
  return `/${escaped}` as RawPath
}

/** The path of a file of the workspace, from its path in the snapshot; undefined for other roots. */
export function workspacePath(path: RawPath): string | undefined {
  const text = Buffer.from(path, "latin1").toString("utf8")
  return text.startsWith("workspace/") ? text.slice("workspace/".length) : undefined
}
