/**
 * The files that a backup would read now, by a walk of the disk alone: no repository is opened and no file is read.
 * spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { joinPath } from "../base/paths.ts"
import { SIDE_FILES } from "../base/sqlite.ts"
import type { Home } from "../home/home.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { originOfRoots, resolveRoots } from "../source/roots.ts"
import { holdsName } from "../source/markers.ts"
import { createSelection, type SelectionRequest } from "../source/select.ts"
import { type Folder, walk } from "../source/walk.ts"
import { isFailure, type Stat } from "../system/stat.ts"

export interface SourceFilesRequest {
  /** As in a backup: relative to `cwd` or absolute, optionally `name=path`. */
  readonly paths: readonly RawPath[]
  /** Absolute raw path. */
  readonly cwd: string
  readonly selection?: Omit<SelectionRequest, "own" | "named">
  /**
   * As a backup with capture sees databases: what SQLite keeps beside one is left out, and it has the times of its log
   * if they are newer.
   */
  readonly sqlite?: boolean | undefined
  /** Left out, as a backup leaves it out. */
  readonly home: Home
  /** The folder of the repository, if it is one: left out too. */
  readonly repositoryFolder?: string | undefined
}

export interface SourceFile {
  /** Path in the snapshot. */
  readonly path: RawPath
  /** In bytes. */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** A path at which it can be read until the next file is asked for; open it with O_NOFOLLOW. Undefined: removed. */
  readonly place: () => string | undefined
}

/**
 * Yields the regular files that a backup would read, in listing order. Files that can't be read are left out.
 * @throws not-found "no-source"; invalid "exclude-file" or "bad-marker"
 */
export function* sourceFiles(request: SourceFilesRequest): Generator<SourceFile> {
  const { paths, cwd, home, repositoryFolder, sqlite = false, selection = {} } = request
  const roots = resolveRoots({ paths, cwd })
  const source = openDiskSource(roots)
  const own: SelectionRequest["own"] = [
    ...(repositoryFolder === undefined ? [] : [{ kind: "repository" as const, path: repositoryFolder }]),
    ...[home.identityRoot, home.cacheRoot].map((path) => ({ kind: "home" as const, path })),
  ]
  const origin = originOfRoots(roots)
  const scope = createSelection({ ...selection, own, named: roots.named, origin }, source, {
    ownLeftOut: () => {},
    unreadable: () => {},
  })
  try {
    for (const { folder, from, to } of walk(source, scope, { unreadable: () => {} })) {
      for (let i = from; i < to; i++) {
        const stat = folder.stats[i] as Stat // stats are parallel to names
        const name = folder.names[i] as RawPath
        if (stat.type !== "file" || (sqlite && isBeside(folder, name))) continue
        const path = joinPath(folder.path, name)
        const { size } = stat
        const { mtimeNs, ctimeNs } = sqlite ? withLog(folder, name, stat) : stat
        const place = (): string | undefined => {
          const found = source.place(path)
          return isFailure(found) ? undefined : found
        }
        yield { path, size, mtimeNs, ctimeNs, place }
      }
    }
  } finally {
    source.close()
  }
}

/** Whether the file is a database's log, journal or lock table. */
function isBeside({ names }: Folder, name: RawPath): boolean {
  return SIDE_FILES.some(
    (end) => name.endsWith(end) && holdsName(names, name.slice(0, -end.length) as RawPath),
  )
}

function withLog({ names, stats }: Folder, name: RawPath, stat: Stat): Pick<Stat, "mtimeNs" | "ctimeNs"> {
  const path = `${name}-wal` as RawPath
  const log = holdsName(names, path) ? stats[names.indexOf(path)] : undefined
  if (log?.type !== "file") return stat
  const newest = (a: bigint, b: bigint): bigint => (a > b ? a : b)
  return { mtimeNs: newest(stat.mtimeNs, log.mtimeNs), ctimeNs: newest(stat.ctimeNs, log.ctimeNs) }
}
