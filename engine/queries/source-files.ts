/**
 * The files that a backup would read now, by a walk of the disk alone: no repository is opened and no file is read.
 * spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { joinPath } from "../base/paths.ts"
import type { Home } from "../home/home.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { originOfRoots, resolveRoots } from "../source/roots.ts"
import { createSelection, type SelectionRequest } from "../source/select.ts"
import { walk } from "../source/walk.ts"
import { isFailure, type Stat } from "../system/stat.ts"

export interface SourceFilesRequest {
  /** As in a backup: relative to `cwd` or absolute, optionally `name=path`. */
  readonly paths: readonly RawPath[]
  /** Absolute raw path. */
  readonly cwd: string
  readonly selection?: Omit<SelectionRequest, "own" | "named">
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
  const { paths, cwd, home, repositoryFolder, selection = {} } = request
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
        if (stat.type !== "file") continue
        const path = joinPath(folder.path, folder.names[i] as RawPath)
        const { size, mtimeNs, ctimeNs } = stat
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
