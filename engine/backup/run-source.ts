/**
 * Opens the source of a run: resolves the roots, the selection and the series from the request, before the
 * scan. Refuses what the format can't hold before anything is read. spec/files.md.
 */
import { errnoText } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, pathBytes, showPath } from "../base/paths.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { concernsSource } from "../source/inside.ts"
import { originOfRoots, resolveRoots, type Roots } from "../source/roots.ts"
import type { KeptSelection } from "../source/kept-selection.ts"
import { createSelection, withPatternsRead, type SelectionRequest } from "../source/select.ts"
import type { Scope, Source } from "../source/source.ts"
import { isFailure } from "../system/stat.ts"
import { openNative } from "../system/native.ts"
import type { Repository } from "../session/repository.ts"
import { seriesOf } from "./series.ts"
import type { BackupObserver, BackupRequest, UnkeptPath } from "./backup-request.ts"

/** The longest series, host name or tag; spec/log-entry.md. */
const TEXT_BYTES_MAX = 1_024

export interface RunSource {
  readonly series: string
  /** The key of this source's file cache. */
  readonly key: string
  readonly files: Source
  readonly scope: Scope | undefined
  readonly single: boolean
  /** Absolute, for the manifest. */
  readonly paths: readonly RawPath[]
  /** The requested paths, as paths in the snapshot; empty for a stream. */
  readonly named: readonly RawPath[]
  /** The folder that the snapshot's root represents, as it was named. */
  readonly origin: RawPath
  /** Whether anything has another name in the snapshot than on disk. */
  readonly renamed: boolean
  /** The patterns and flags that leave entries out, with the content of pattern files. */
  readonly selection: KeptSelection
  /** Folders that the walk did not enter or left out because of their kind. The walk adds to it. */
  readonly unseen: Set<RawPath>
  /** Found missing before the walk began. */
  readonly missing: readonly UnkeptPath[]
  readonly stdin: BackupRequest["stdin"]
}

export async function openRunSource(
  repository: Repository,
  request: BackupRequest,
  observe: BackupObserver,
): Promise<RunSource> {
  checkTexts(request)
  if (request.stdin !== undefined) return await streamSource(repository, request, request.stdin)
  const { host } = request
  const roots = resolveRoots({
    paths: request.paths,
    cwd: request.cwd,
    ...(request.filesFrom === undefined ? {} : { listed: request.filesFrom }),
  })
  const files = openDiskSource(roots, openNative)
  const kept = withPatternsRead(request.selection ?? {})
  const unseen = new Set<RawPath>()
  return {
    series:
      request.series ?? (await seriesOf(repository, defaultSeries(roots), { host, paths: roots.paths })),
    key: [roots.base, ...roots.paths].join("\0"),
    files,
    scope: selection(repository, { kept, unseen, roots, files, observe }),
    single: roots.single,
    paths: roots.paths,
    named: roots.named,
    origin: roots.origin,
    renamed: roots.renamed,
    selection: kept,
    unseen,
    missing: roots.missing.map((path) => ({ path, message: "no such file or folder" })),
    stdin: undefined,
  }
}

async function streamSource(
  repository: Repository,
  request: BackupRequest,
  stdin: NonNullable<BackupRequest["stdin"]>,
): Promise<RunSource> {
  if (stdin.name === "" || stdin.name.includes("/")) {
    throw new EngineError(
      "invalid",
      "stdin-name",
      `${showPath(stdin.name)}: --stdin-filename must be a plain file name`,
    )
  }
  const { host } = request
  const paths = [`/${stdin.name}` as RawPath]
  const name = pathBytes(stdin.name).toString("utf8")
  return {
    series: request.series ?? (await seriesOf(repository, name, { host, paths })),
    key: `stdin\0${stdin.name}`,
    files: openDiskSource(request.cwd),
    scope: undefined,
    single: true,
    paths,
    named: [],
    origin: request.cwd as RawPath,
    renamed: false,
    selection: {},
    unseen: new Set(),
    missing: [],
    stdin,
  }
}

/** Refuses texts that the format can't hold. */
function checkTexts({ series, host, tags = [], label }: BackupRequest): void {
  const refuse = (what: string): never => {
    throw new EngineError("invalid", "bad-text", `${what} must have 1 to ${TEXT_BYTES_MAX} bytes`)
  }
  const isBad = (text: string): boolean => text === "" || Buffer.byteLength(text) > TEXT_BYTES_MAX
  if (series !== undefined && isBad(series)) refuse("the name of a series")
  if (isBad(host)) refuse("a host name")
  if (tags.some(isBad)) refuse("a tag")
  if (label !== undefined && isBad(label)) refuse("a label")
}

/** The last component of the source's path: the series is the same wherever the source moves. */
function defaultSeries(roots: Roots): string {
  const name = baseName(roots.single ? (roots.paths[0] ?? roots.origin) : roots.origin)
  return name === "" ? "root" : pathBytes(name).toString("utf8")
}

interface SelectionInput extends Pick<RunSource, "unseen"> {
  readonly kept: KeptSelection
  readonly roots: Roots
  readonly files: Source
  readonly observe: BackupObserver
}

function selection(repository: Repository, { kept, unseen, roots, files, observe }: SelectionInput): Scope {
  const { folder } = repository.store
  const own: SelectionRequest["own"] = [
    ...(folder === undefined ? [] : [{ kind: "repository" as const, path: folder }]),
    ...[repository.home.identityRoot, repository.home.cacheRoot].map((path) => ({
      kind: "home" as const,
      path,
    })),
  ]
  const origin = originOfRoots(roots)
  for (const pattern of [...(kept.excludes ?? []), ...(kept.iexcludes ?? [])])
    if (!concernsSource(origin, pattern) && !mayBeAnchored(files, pattern))
      observe({
        type: "notice",
        message: `--exclude ${showPath(pattern)} is not below any source and excludes nothing`,
      })
  const told = new Set<RawPath>()
  return createSelection({ ...kept, own, named: roots.named, origin }, files, {
    ownLeftOut: (kind, path) => observe({ type: "notice", message: ownMessage(kind, path) }),
    unseen: (path) => unseen.add(path),
    unreadable: (path, error) => {
      if (told.has(path)) return // with capture the source is walked twice
      told.add(path)
      observe({ type: "error", path, message: `its patterns could not be read: ${errnoText(error)}` })
    },
  })
}

/** Whether a pattern like `/build` names an entry of the root, as in a gitignore file. */
function mayBeAnchored(files: Source, pattern: RawPath): boolean {
  const names = pattern.split("/").filter((name) => name !== "" && name !== "!")
  const glob = names.findIndex((name) => /[\\*?[]/.test(name))
  const literal = names.slice(0, glob < 0 ? undefined : glob).join("/") as RawPath
  return !isFailure(files.stat(literal))
}

function ownMessage(kind: "repository" | "home" | "restore", path: RawPath): string {
  const what = {
    repository: "the repository itself",
    home: "holdfast's own state",
    restore: "an unfinished restore's files",
  }
  return `skipped: ${what[kind]} (${showPath(path)})`
}

/** Refuses a snapshot of nothing: it would become the newest and hide the one before. */
export function requireSomeRead({ named }: RunSource, isUnread: (path: RawPath) => boolean): void {
  if (named.length > 0 && named.every(isUnread))
    throw new EngineError(
      "denied",
      "no-source-read",
      "none of the sources could be read. No snapshot was written",
    )
}

const NO_ATTRIBUTES =
  "extended attributes, ACLs and capabilities are not saved: this system's calls for them cannot be used. Run `holdfast doctor` for details"

export function noticeLostAttributes({ stdin }: RunSource, observe: BackupObserver): void {
  if (stdin === undefined && openNative()?.readsAttributes !== true)
    observe({ type: "notice", message: NO_ATTRIBUTES })
}
