/**
 * Finds the verb among the typed words. Flags may stand before it, also flags of the verb that take a
 * value: `holdfast --series notes backup ~/notes`. Knows the words of other backup tools (habits/).
 */
import { UsageError } from "./exit-codes.ts"
import { anyFlagHabit, flagHabit, OTHER_NAMES, verbHabit } from "./habits/find-habit.ts"
import { nearest } from "./suggest.ts"
import { GLOBAL_FLAGS } from "./verbs/flags.ts"
import { FIRST_WORDS, flagsOf, ownVerb, secondWords, VERBS } from "./verbs/table.ts"
import type { Flag, Verb } from "./verbs/verb.ts"

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
  // Some flag before it is not one of this verb's: the parser names it.
  return {
    verb: found.verb,
    rest: [...words.slice(0, position), ...words.slice(position + found.words)],
  }
}

interface Found {
  readonly verb: Verb
  readonly words: number
}

/** One of our verbs, or another tool's word for it. Throws `UsageError` for one that we answer. */
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
    const before = words.slice(0, position)
    const own = ownVerb(word, words[position + 1])
    if (own !== undefined) {
      if (skipFlags(before, (flag) => arityAt(own.verb, flag)) === position) return { ...own, position }
    } else if (skipFlags(before, anyArity) === position) {
      const found = findVerb(word, words[position + 1])
      return found === undefined ? undefined : { ...found, position }
    }
  }
  return undefined
}

/** Where a flag's words end; undefined for one that is not known. */
type Arity = (flag: string) => "switch" | "value" | undefined

/** The position behind all flags; of the first one that is not known, or beyond the end. */
export function skipFlags(words: readonly string[], arity: Arity): number {
  let position = 0
  while (position < words.length) {
    const word = words[position] ?? ""
    if (!word.startsWith("-") || word === "-") return position
    const kind = typedKind(word, arity)
    if (kind === undefined) return position
    position += kind === "value" ? 2 : 1
  }
  return position
}

/** A flag with its value behind a "=" or in the same word needs no other word. */
export function typedKind(word: string, arity: Arity): "switch" | "value" | undefined {
  if (word.startsWith("--")) {
    const [flag = "", value] = word.split("=", 2)
    const kind = arity(flag)
    return kind === "value" && value !== undefined ? "switch" : kind
  }
  for (let letter = 1; letter < word.length; letter++) {
    const kind = arity(`-${word[letter] ?? ""}`)
    if (kind === undefined) return undefined
    if (kind === "value") return letter === word.length - 1 ? "value" : "switch"
  }
  return "switch"
}

export function arityAt(verb: Verb, flag: string): ReturnType<Arity> {
  const own = flagsOf(verb).find((one) => isNamed(one, flag))
  if (own !== undefined) return own.value === undefined ? "switch" : "value"
  const habit = flagHabit(verb.name, flag)
  return habit === undefined ? undefined : habit.value === true ? "value" : "switch"
}

export function anyArity(flag: string): ReturnType<Arity> {
  const own = allFlags().find((one) => isNamed(one, flag))
  if (own !== undefined) return own.value === undefined ? "switch" : "value"
  const habit = anyFlagHabit(flag)
  return habit === undefined ? undefined : habit.value === true ? "value" : "switch"
}

function allFlags(): readonly Flag[] {
  return [...GLOBAL_FLAGS, ...VERBS.flatMap(({ flags }) => flags)]
}

export function isNamed({ name, short }: Flag, flag: string): boolean {
  return flag === `--${name}` || (short !== undefined && flag === `-${short}`)
}

/** Throws for a flag before it that no verb has, and for one that we answer: its value is not a verb. */
function firstPlainWord(words: readonly string[]): number {
  const position = skipFlags(words, anyArity)
  for (const word of words.slice(0, position)) {
    const habit = word.startsWith("-") ? globalHabit(word) : undefined
    if (habit !== undefined) throw new UsageError(habit)
  }
  const word = words[position]
  if (word?.startsWith("-") === true && word !== "-") {
    const flag = typedFlag(word, anyArity)
    throw new UsageError(unknownFlag(flag, "", [...allFlags().map(({ name }) => `--${name}`), "--version"]))
  }
  return position
}

function globalHabit(word: string): string | undefined {
  const flag = word.startsWith("--") ? (word.split("=")[0] ?? "") : word.slice(0, 2)
  if (allFlags().some((one) => isNamed(one, flag))) return undefined
  const habit = anyFlagHabit(flag)
  return habit?.say !== undefined && habit.verbs === undefined ? `${flag}: ${habit.say}` : undefined
}

/** As much of the word as may be printed: a value may be a secret. */
function typedFlag(word: string, arity: Arity): string {
  if (word.startsWith("--")) return word.split("=")[0] ?? ""
  const letter = word
    .slice(1)
    .split("")
    .find((one) => arity(`-${one}`) === undefined)
  return `-${letter ?? ""}`
}

/** @param of the verb, or "" before one is known */
export function unknownFlag(typed: string, of: string, known: readonly string[]): string {
  const guess = typed.startsWith("--") ? nearest(typed, known) : undefined
  const help = of === "" ? "`holdfast help` lists all flags" : `\`holdfast help ${of}\` lists its flags`
  const where = of === "" ? "" : ` for ${of}`
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
