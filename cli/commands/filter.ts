/** The filter flags that most reading verbs share, and the snapshot that a person named. */
import { resolve } from "node:path"
import {
  findSnapshot,
  rawPathFromText,
  type RawPath,
  type Repository,
  type Snapshot,
  type SnapshotFilter,
} from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { UsageError } from "../output/exit-codes.ts"

/** `--tag a,b` is two, as in restic. */
export function tagsOf({ options }: Call): string[] {
  return options.list("tag").flatMap((list) => list.split(",").filter((tag) => tag !== ""))
}

export function filterOf(call: Call): SnapshotFilter {
  const { options } = call
  for (const name of ["series", "host", "tag"]) {
    if (options.list(name).includes("")) throw emptyFilter(name)
  }
  const tags = tagsOf(call)
  const path = options.text("path")
  return {
    series: options.text("series"),
    host: options.text("host"),
    tags: tags.length === 0 ? undefined : tags,
    path: path === undefined ? undefined : rawPathFromText(resolve(path)),
  }
}

/** Most often an unset variable of a script: it must not choose among all snapshots. */
function emptyFilter(name: string): UsageError {
  return new UsageError(`--${name} needs a ${name === "tag" ? "tag" : "name"}; it is empty`)
}

export interface Named {
  readonly snapshot: Snapshot
  /** The part after the colon, or "" for all of it. */
  readonly path: RawPath
}

/** `latest~2:notes/a.md`, or the same as two words. */
export async function namedSnapshot(
  call: Call,
  repository: Repository,
  address: string,
  path?: string,
): Promise<Named> {
  const whole = path === undefined ? address : `${address}:${path}`
  return await findSnapshot(repository, whole, filterOf(call))
}
