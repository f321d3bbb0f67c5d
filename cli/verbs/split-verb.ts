/**
 * Finds the verb among the typed words. Flags may stand before it, also flags of the verb that take a
 * value: `holdfast --series notes backup ~/notes`. Knows the words of other backup tools (habits/).
 */
import { UsageError } from "../output/exit-codes.ts"
import { OTHER_NAMES, verbHabit } from "./habits/find-habit.ts"
import { knownFlags, readWords, type Token } from "./read-words.ts"
import { nearest } from "./suggest.ts"
import { FIRST_WORDS, flagsOf, ownVerb, secondWords, VERBS } from "./table.ts"
import type { Verb } from "./verb.ts"

export type Split =
  | { readonly verb: Verb; readonly rest: string[] }
  /** Without a verb: `group` is the first word of several, such as "key". */
  | { readonly verb: undefined; readonly wantsHelp: boolean; readonly group?: string }

/** Throws `UsageError` for an unknown verb, and for an unknown flag before one. */
export function splitVerb(words: readonly string[]): Split {
  const at = verbPosition(words)
  if (at !== undefined) {
    const rest = [...words.slice(0, at.position), ...words.slice(at.position + at.words)]
    return { verb: at.verb, rest }
  }
  const position = firstPlainWord(words)
  const first = words[position]
  const wantsHelp = words.includes("--help") || words.includes("-h")
  if (first === undefined) return { verb: undefined, wantsHelp }
  if (wantsHelp && secondWords(first).length > 0) return { verb: undefined, wantsHelp, group: first }
  const found = findVerb(first, words[position + 1])
  if (found === undefined) throw new UsageError(unknownVerb(first, words[position + 1]))
  // A flag before it is not one of this verb's: the parser names it.
  return {
    verb: found.verb,
    rest: [...words.slice(0, position), ...words.slice(position + found.words)],
  }
}

interface Found {
  readonly verb: Verb
  readonly words: number
}

/** One of our verbs, or another tool's word for it. Throws `UsageError` for a word with an answer. */
export function findVerb(first: string, second: string | undefined): Found | undefined {
  const own = ownVerb(first, second)
  if (own !== undefined) return own
  const habit = verbHabit(first, second)
  const verb = habit === undefined ? undefined : VERBS.find(({ name }) => name === habit.name)
  return habit === undefined || verb === undefined ? undefined : { verb, words: habit.words }
}

/** The first word that is a verb which has all flags before it. */
function verbPosition(words: readonly string[]): (Found & { position: number }) | undefined {
  for (const [position, word] of words.entries()) {
    if (word === "--") return undefined
    if (word.startsWith("-")) continue
    const own = ownVerb(word, words[position + 1])
    if (!isFirst(words, position, own?.verb)) continue
    const found = own ?? findVerb(word, words[position + 1])
    return found === undefined ? undefined : { ...found, position }
  }
  return undefined
}

/** Only flags of this verb, or of any verb, with their values, are before it. */
function isFirst(words: readonly string[], position: number, verb: Verb | undefined): boolean {
  const known = knownFlags(verb)
  const tokens = readWords(words.slice(0, position + 1), known)
  const isKnown = (token: Token): boolean => token.kind === "flag" && known.has(token.typed)
  return tokens.pop()?.kind === "argument" && tokens.every(isKnown)
}

/** Throws for an unknown flag before it, and for a flag with an answer: its value is not a verb. */
function firstPlainWord(words: readonly string[]): number {
  const known = knownFlags()
  for (const token of readWords(words, known)) {
    if (token.kind === "argument") return token.index
    const typed = token.kind === "flag" ? token.typed : "--"
    const flag = known.get(typed)
    if (flag === undefined) throw new UsageError(unknownFlag(typed))
    if (!("name" in flag) && flag.say !== undefined && flag.verbs === undefined)
      throw new UsageError(`${typed}: ${flag.say}`)
  }
  return words.length
}

/** @param verb undefined before one is known */
export function unknownFlag(typed: string, verb?: Verb): string {
  const flags = verb === undefined ? [...VERBS.flatMap(flagsOf), { name: "version" }] : flagsOf(verb)
  const known = flags.map(({ name }) => `--${name}`)
  const guess = typed.startsWith("--") ? nearest(typed, known) : undefined
  const help =
    verb === undefined ? "`holdfast help` lists all flags" : `\`holdfast help ${verb.name}\` lists its flags`
  const where = verb === undefined ? "" : ` for ${verb.name}`
  return `unknown flag "${typed}"${where}; ${guess === undefined ? help : `did you mean ${guess}?`}`
}

export function unknownVerb(first: string, second: string | undefined): string {
  const group = secondWords(first)
  if (group.length > 0) {
    const guess = second === undefined ? undefined : nearest(second, group)
    const all = group.map((word) => `\`holdfast ${first} ${word}\``).join(", ")
    return guess === undefined
      ? `${first} needs a second word: ${all}`
      : `unknown verb "${first} ${second ?? ""}"; did you mean \`holdfast ${first} ${guess}\`?`
  }
  const guess = nearest(first, [...FIRST_WORDS, ...OTHER_NAMES])
  const hint = guess === undefined ? "`holdfast help` lists all verbs" : `did you mean \`holdfast ${guess}\`?`
  return `unknown verb "${first}"; ${hint}`
}
