/**
 * Which files a restore takes, from flags and from files with one pattern a line, as gitignore reads
 * them. Patterns of files come first: a later one wins.
 */
import { errnoText } from "../../engine/base/errno.ts"
import { readFileSync } from "node:fs"
import { rawPathFromText, type RawPath, type RestoreRequest } from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { UsageError } from "../output/exit-codes.ts"

type Patterns = Pick<RestoreRequest, "include" | "iinclude" | "exclude" | "iexclude">

export function patternsOf(call: Call): Patterns {
  const typed = (flag: string): RawPath[] => call.options.list(flag).map(rawPathFromText)
  return {
    include: [...patternsFrom(call, "include-file"), ...typed("include")],
    iinclude: typed("iinclude"),
    exclude: [...patternsFrom(call, "exclude-file"), ...typed("exclude")],
    iexclude: typed("iexclude"),
  }
}

/** A file without a pattern is refused: for --include-file it would mean everything. */
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
    const code = (error as NodeJS.ErrnoException).code
    throw new UsageError(`--${flag} ${file}: ${errnoText(code)}`)
  }
}
