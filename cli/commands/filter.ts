/**
 * What a person selects: snapshots by the filter flags that most reading verbs share, one snapshot by its name, and the
 * files of a restore by patterns.
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { errnoOf, errnoText } from "../../engine/base/errno.ts"
import {
  findSnapshot,
  rawPathFromText,
  type RawPath,
  type Repository,
  type RestoreRequest,
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

/** Usually an unset variable of a script: it must not select from all snapshots. */
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

type Patterns = Pick<RestoreRequest, "include" | "iinclude" | "exclude" | "iexclude">

/** From flags, and from files with one gitignore pattern per line. Patterns of files come first: a later one wins. */
export function patternsOf(call: Call): Patterns {
  const typed = (flag: string): RawPath[] => call.options.list(flag).map(rawPathFromText)
  return {
    include: [...patternsFrom(call, "include-file"), ...typed("include")],
    iinclude: typed("iinclude"),
    exclude: [...patternsFrom(call, "exclude-file"), ...typed("exclude")],
    iexclude: typed("iexclude"),
  }
}

/** Refuses a file without a pattern: for --include-file it would mean everything. */
function patternsFrom({ options }: Call, flag: string): RawPath[] {
  return options.list(flag).flatMap((file) => {
    const lines = readLines(file, flag).filter((line) => line.trim() !== "" && !line.startsWith("#"))
    if (lines.length === 0) throw new UsageError(`--${flag} ${file} has no pattern in it`)
    return lines as RawPath[]
  })
}

function readLines(file: string, flag: string): string[] {
  try {
    return readFileSync(file, "latin1").split(/\r?\n/)
  } catch (error) {
    const code = errnoOf(error)
    throw new UsageError(`--${flag} ${file}: ${errnoText(code)}`)
  }
}
