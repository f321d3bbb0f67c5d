/** The filter flags that most reading verbs share, and the snapshot that a person named. */
import { resolve } from "node:path"
import {
  findSnapshot,
  rawPathFromText,
  type RawPath,
  type Repository,
  type Snapshot,
  type SnapshotFilter,
} from "../engine/index.ts"
import type { Call } from "./call.ts"

/** `--tag a,b` is two, as in restic. */
export function tagsOf({ options }: Call): string[] {
  return options.list("tag").flatMap((list) => list.split(",").filter((tag) => tag !== ""))
}

export function filterOf(call: Call): SnapshotFilter {
  const { options } = call
  const tags = tagsOf(call)
  const path = options.text("path")
  return {
    series: options.text("series"),
    host: options.text("host"),
    tags: tags.length === 0 ? undefined : tags,
    path: path === undefined ? undefined : rawPathFromText(resolve(path)),
  }
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
