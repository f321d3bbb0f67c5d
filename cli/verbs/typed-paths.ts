/**
 * Checks typed paths before any verb uses them. An empty one would silently become the current folder. One that
 * begins with `~/` was not expanded by a shell and would name a folder called `~`. The table of verbs says which
 * words are paths.
 */
import type { Call } from "./call.ts"
import { UsageError } from "../output/exit-codes.ts"
import { flagsOf } from "./table.ts"

/** The table's names for values that are places. */
const PLACES = new Set(["FILE", "FOLDER", "PATH", "LOCATION", "DIR"])
/** An empty pattern excludes nothing, which is harmless. An unexpanded one would silently match nothing. */
const PATTERNS = new Set(["PATTERN"])

const INCLUDES = new Set(["include", "iinclude"])

const VARIABLES = [
  "HOLDFAST_REPOSITORY",
  "HOLDFAST_HOME",
  "HOLDFAST_PASSWORD_FILE",
  "HOLDFAST_KEY_FILE",
  "HOLDFAST_RECOVERY_WORDS_FILE",
]

/** Throws a `UsageError` about the first invalid path. */
export function checkTypedPaths(call: Pick<Call, "verb" | "args" | "options" | "environment">): void {
  const { verb, options, environment } = call
  for (const { name, value = "", many } of flagsOf(verb)) {
    if (!PLACES.has(value) && !PATTERNS.has(value)) continue
    const typed = many === true ? options.list(name) : [options.text(name)]
    for (const text of typed) {
      if (text === "" && PLACES.has(value)) throw empty(`--${name} needs a ${value.toLowerCase()}`)
      if (text === "" && INCLUDES.has(name)) throw new UsageError(`--${name} needs a pattern; it is empty`)
      if (text !== undefined) refuseTilde(text, `--${name} `)
    }
  }
  checkArguments(call)
  for (const name of VARIABLES) refuseTilde(environment[name] ?? "", `${name}=`)
}

function checkArguments({ verb, args, options }: Pick<Call, "verb" | "args" | "options">): void {
  // these are arguments of another program
  if (verb.flags.some(({ name }) => name === "stdin-from-command") && options.flag("stdin-from-command"))
    return
  args.forEach((text, position) => {
    const argument = verb.arguments[Math.min(position, verb.arguments.length - 1)]
    if (argument === undefined) return
    if (text === "" && argument.completes === "files") throw empty(`${verb.name} needs a ${argument.name}`)
    if (text === "") throw new UsageError(`${verb.name} needs a ${argument.name}; it is empty`)
    if (argument.completes !== "files") return
    const [, name, path] = /^([^/=]+)=(.*)$/s.exec(text) ?? []
    if (path === "") throw empty(`${text} needs a path after the =`)
    refuseTilde(path ?? text, name === undefined ? "" : `${name}=`)
  })
}

function empty(what: string): UsageError {
  return new UsageError(`${what}; it is empty (for the current folder, write .)`)
}

function refuseTilde(path: string, before: string): void {
  if (path !== "~" && !path.startsWith("~/")) return
  const rest = path.slice(1)
  throw new UsageError(
    `${before}${path}: the shell did not expand ~ here. Write ${before}"$HOME${rest}", or ./${path} for a folder named ~`,
  )
}
