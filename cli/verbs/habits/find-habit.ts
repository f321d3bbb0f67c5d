/** Looks up the verbs and the notation of other backup tools; their flags are in verbs/read-words.ts. */
import { UsageError } from "../../output/exit-codes.ts"
import { VERB_HABITS } from "./verbs.ts"

/** Our verb for these words of another tool, and the number of words used. */
export function verbHabit(
  first: string,
  second: string | undefined,
): { name: string; words: number } | undefined {
  const both = `${first} ${second ?? ""}`
  const two = VERB_HABITS.find(({ words }) => words.includes(both))
  const found = two ?? VERB_HABITS.find(({ words }) => words.includes(first))
  if (found === undefined) return undefined
  const [typed, words] = two === undefined ? [first, 1] : [both, 2]
  if (found.use === undefined) throw new UsageError(`${typed}: ${found.say ?? ""}`)
  return { name: found.use, words }
}

/** Other names of one of our verbs. */
export function aliasesOf(name: string): string[] {
  return VERB_HABITS.flatMap(({ words, use }) => (use === name ? words : []))
}

/** Single words of other tools that work here. */
export const OTHER_NAMES: readonly string[] = VERB_HABITS.flatMap(({ words, use }) =>
  use === undefined ? [] : words.filter((word) => !word.includes(" ")),
)

/** Second words of other tools that work here: "create" after "snapshot". */
export function secondHabits(first: string): string[] {
  return VERB_HABITS.flatMap(({ words, use }) =>
    use === undefined
      ? []
      : words.flatMap((word) => (word.startsWith(`${first} `) ? [word.slice(first.length + 1)] : [])),
  )
}

/** "::NAME" or "/repository::NAME", as borg writes an archive. */
const ARCHIVE = /^(?:|.*\/.*|.*@.*)::/
/** Arguments that are paths: the repository may be one name, as in "backups::monday". */
const ARCHIVE_AS_PATH = /::/

const ARCHIVE_SAYS: Readonly<Record<string, string>> = {
  backup:
    "snapshots have IDs instead of names; use `holdfast backup -r REPOSITORY FOLDER`, with --tag TAG if you want",
  restore: "use `holdfast restore latest --target FOLDER`, or an ID from `holdfast snapshots`",
  snapshots: "use `holdfast ls SNAPSHOT`, with latest or an ID from `holdfast snapshots`",
  ls: "use `holdfast ls SNAPSHOT`, with latest or an ID from `holdfast snapshots`",
  diff: "use `holdfast diff A B`, with IDs from `holdfast snapshots`",
  dump: "use `holdfast dump SNAPSHOT:PATH`, with latest or an ID from `holdfast snapshots`",
  status: "use `holdfast snapshots SNAPSHOT`, with latest or an ID from `holdfast snapshots`",
  check: "`holdfast check` checks all snapshots; leave it out",
}

/** Refuses borg's notation of archives, unless it is the path of a file. */
export function refuseArchive(
  verb: string,
  args: readonly string[],
  isFile: (path: string) => boolean,
): void {
  const say = ARCHIVE_SAYS[verb]
  const archive = verb === "backup" ? ARCHIVE_AS_PATH : ARCHIVE
  const isArchive = (arg: string): boolean =>
    archive.test(arg) && !isFile(arg) && !isFile(arg.slice(arg.indexOf("=") + 1))
  const typed = say === undefined ? undefined : args.find(isArchive)
  if (typed !== undefined) throw new UsageError(`${typed}: ${say ?? ""}`)
}
