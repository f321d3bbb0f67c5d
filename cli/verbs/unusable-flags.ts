/**
 * Refuses flags that contradict each other or would be ignored, before anything is done: exit code 2 with the reason.
 * commands/connection.ts refuses those that depend on the kind of store. Not refused: a flag that asks for what holds
 * anyway (`--stdin --force`), flags for a table beside `--json`, and a secret or a store's flag where a verb needs
 * none. Those may be part of a shell alias.
 */
import type { Call } from "./call.ts"
import { UsageError } from "../output/exit-codes.ts"
import { flagsOf } from "./table.ts"

type Rule =
  /** At most one of them. */
  | (Where & { readonly oneOf: readonly string[]; readonly reason: string })
  | (Where & {
      readonly flags: readonly string[]
      readonly beside: readonly string[]
      readonly reason: string
    })
  | (Where & { readonly flags: readonly string[]; readonly needs: readonly string[] })

interface Where {
  /** Default: every verb that has the flags. */
  readonly verbs?: readonly string[]
  readonly notIn?: readonly string[]
}

const STREAMS = ["stdin", "stdin-from-command"]
const EXCLUDES = [
  "sqlite",
  "include",
  "exclude",
  "iexclude",
  "exclude-file",
  "exclude-caches",
  "exclude-if-present",
  "exclude-larger-than",
  "one-file-system",
  "git-ignore",
  "no-holdfast-ignore",
]
const ONE_SECRET = "give one secret that opens the repository"
/** Verbs that write the words to the file. */
const WRITE_WORDS = ["init", "key add", "agent init", "agent import"]

const RULES: readonly Rule[] = [
  { oneOf: ["quiet", "verbose"], reason: "one prints less and the other more" },
  {
    notIn: WRITE_WORDS,
    oneOf: ["password-file", "password-command", "key-file", "recovery-words-file"],
    reason: ONE_SECRET,
  },
  { verbs: ["key add"], oneOf: ["password-file", "password-command", "key-file"], reason: ONE_SECRET },
  {
    verbs: ["init"],
    oneOf: ["password-file", "password-command"],
    reason: "give one passphrase; `holdfast key add` adds another one",
  },
  {
    oneOf: ["new-password-file", "new-password-command", "new-key-file", "recovery"],
    reason: "give one new secret at a time",
  },
  { verbs: ["key add"], flags: ["recovery-words-file", "recovery-sheet"], needs: ["recovery"] },
  {
    verbs: ["connect"],
    oneOf: ["read-only", "accept-head"],
    reason: "--read-only writes nothing, and --accept-head records what is accepted",
  },
  { oneOf: STREAMS, reason: "only one stream can be saved" },
  { flags: ["files-from"], beside: STREAMS, reason: "a stream is saved alone" },
  { flags: EXCLUDES, beside: STREAMS, reason: "a stream has no files to skip" },
  { flags: ["budget"], beside: STREAMS, reason: "a budget reads the source twice, and a stream can't be" },
  { flags: ["stdin-filename"], needs: STREAMS },
  { verbs: ["backup"], flags: ["provider"], needs: ["budget"] },
  { verbs: ["restore"], oneOf: ["target", "in-place"], reason: "give one destination" },
  { verbs: ["restore"], flags: ["from-host"], needs: ["in-place"] },
  { verbs: ["restore"], oneOf: ["dry-run", "verify"], reason: "a dry run restores nothing to verify" },
  {
    verbs: ["check"],
    oneOf: ["store-only", "read-data", "read-data-subset"],
    reason:
      "--store-only reads the bytes of all objects, --read-data opens all data, --read-data-subset a part",
  },
  {
    verbs: ["copy"],
    flags: ["to-endpoint", "to-credentials", "to-region"],
    beside: ["promote"],
    reason: "nothing is copied; use --endpoint, --credentials and --region for the mirror",
  },
  {
    verbs: ["cache"],
    flags: ["repo"],
    beside: ["clear"],
    reason: "the caches of all repositories are cleared; leave out --repo",
  },
]

/** Throws a `UsageError` about the first rule that the words break. */
export function refuseUnusable(call: Call): void {
  const known = new Set(flagsOf(call.verb).map(({ name }) => name))
  const given = (names: readonly string[]): string[] =>
    names.filter((name) => known.has(name) && call.options.flag(name))
  for (const rule of RULES) {
    if (rule.verbs?.includes(call.verb.name) === false || rule.notIn?.includes(call.verb.name) === true)
      continue
    if ("oneOf" in rule) {
      const [first, second] = given(rule.oneOf)
      if (second !== undefined) throw contradiction(first, second, rule.reason)
      continue
    }
    const [flag] = given(rule.flags)
    if (flag === undefined) continue
    if ("needs" in rule) {
      if (given(rule.needs).length > 0) continue
      throw new UsageError(`--${flag} needs ${rule.needs.map((name) => `--${name}`).join(" or ")}`)
    }
    const [beside] = given(rule.beside)
    if (beside !== undefined) throw contradiction(flag, beside, rule.reason)
  }
  refuseTwoVariables(call, given(["password-file", "password-command", "key-file"]).length > 0)
  refuseTwoPlaces(call)
}

function contradiction(first = "", second = "", reason: string): UsageError {
  return new UsageError(`--${first} can't be used with --${second}: ${reason}`)
}

const SECRET_VARIABLES = [
  "HOLDFAST_PASSWORD",
  "HOLDFAST_PASSWORD_FILE",
  "HOLDFAST_PASSWORD_COMMAND",
  "HOLDFAST_KEY_FILE",
  "HOLDFAST_RECOVERY_WORDS_FILE",
]
const OPEN_NOTHING = ["cache", "completion", "help", "status", "version"]

/** A flag overrides all variables. An empty variable counts as unset. */
function refuseTwoVariables({ verb, options, environment }: Call, hasFlag: boolean): void {
  const writesWords = WRITE_WORDS.includes(verb.name)
  const readsWords = !writesWords && verb.flags.some(({ name }) => name === "recovery-words-file")
  if (OPEN_NOTHING.includes(verb.name) || hasFlag || (readsWords && options.flag("recovery-words-file")))
    return
  const [first, second] = SECRET_VARIABLES.filter(
    (name) => environment[name] && !(writesWords && name === "HOLDFAST_RECOVERY_WORDS_FILE"),
  )
  if (second === undefined) return
  throw new UsageError(`${first} and ${second} are both set: ${ONE_SECRET}, or use a flag`)
}

/** The argument would win, and `-r` would be ignored. */
function refuseTwoPlaces({ verb, args, options }: Call): void {
  const [place] = args
  const repo = options.text("repo")
  const isPlace = ["init", "connect"].includes(verb.name) || (verb.name === "copy" && options.flag("promote"))
  if (!isPlace || place === undefined || repo === undefined || place === repo) return
  throw new UsageError(`--repo can't be used with a LOCATION: both name the repository`)
}
