/** All verbs, in the order of the help text, and the look-up of a typed word. */
import { AGENT_VERBS } from "./agent-verbs.ts"
import { BACKUP_VERBS } from "./backup-verbs.ts"
import { CARE_VERBS } from "./care-verbs.ts"
import { GLOBAL_FLAGS } from "./flags.ts"
import { LOOK_VERBS } from "./look-verbs.ts"
import { SETUP_VERBS } from "./setup-verbs.ts"
import type { Flag, Verb } from "./verb.ts"

export const GROUPS: readonly (readonly [string, readonly Verb[]])[] = [
  ["Set up", SETUP_VERBS],
  ["Back up and restore", BACKUP_VERBS],
  ["Look at snapshots", LOOK_VERBS],
  ["Maintain", CARE_VERBS],
  ["Protect an agent's memory", AGENT_VERBS],
]

export const VERBS: readonly Verb[] = GROUPS.flatMap(([, verbs]) => verbs)

/** First words: "backup", "key", … in the table's order, aliases not included. */
export const FIRST_WORDS: readonly string[] = [
  ...new Set(VERBS.map(({ name }) => name.split(" ")[0] ?? name)),
]

/** The verb of this name, and how many words the name has. Other tools' words: split-verb.ts. */
export function ownVerb(
  first: string,
  second: string | undefined,
): { verb: Verb; words: number } | undefined {
  const two = VERBS.find(({ name }) => name === `${first} ${second ?? ""}`)
  if (two !== undefined) return { verb: two, words: 2 }
  const one = VERBS.find(({ name }) => name === first)
  return one === undefined ? undefined : { verb: one, words: 1 }
}

/** The second words of a group such as "key"; empty for others. */
export function secondWords(first: string): string[] {
  return VERBS.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))
}

/** A verb's own flags win over global ones of the same name. */
export function flagsOf(verb: Verb): Flag[] {
  const own = new Set(verb.flags.map(({ name }) => name))
  return [...verb.flags, ...GLOBAL_FLAGS.filter(({ name }) => !own.has(name))]
}
