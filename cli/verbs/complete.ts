/**
 * Finds the words that may follow the typed ones, for the completion scripts (completion.ts), from the table of
 * verbs. `ask` names values that only the repository knows; commands/complete.ts asks it.
 */
import { OTHER_NAMES, secondHabits } from "./habits/find-habit.ts"
import type { FlagHabit } from "./habits/flags.ts"
import { knownFlags, readWords, type KnownFlags } from "./read-words.ts"
import { findVerb, splitVerb } from "./split-verb.ts"
import { GLOBAL_FLAGS } from "./flags.ts"
import { FIRST_WORDS, flagsOf, secondWords, VERBS } from "./table.ts"
import type { Argument, Flag, Verb } from "./verb.ts"

export const SHELLS: readonly string[] = ["bash", "zsh", "fish"]

export interface Candidate {
  readonly word: string
  readonly text: string
}

export type Ask = "snapshots" | "series" | "host" | "tag"

export interface Completion {
  readonly candidates: readonly Candidate[]
  /** The shell completes file names. */
  readonly files: boolean
  readonly ask: Ask | undefined
  /** The text before the value in the same word: "--series=". */
  readonly prefix: string
  /** The verb with the words after it, without the completed one. */
  readonly verb: Verb | undefined
  readonly rest: readonly string[]
}

/** @param typed the words after the program's name; the last one is completed and may be empty */
export function completionOf(typed: readonly string[]): Completion {
  const current = typed.at(-1) ?? ""
  const before = typed.slice(0, -1)
  const { verb, rest } = verbOf(before)
  const flags = verb === undefined ? GLOBAL_FLAGS : flagsOf(verb)
  const known = knownFlags(verb)
  const pending = pendingFlag(rest, known)
  const done = { ...NOTHING, verb, rest: pending === undefined ? rest : rest.slice(0, -1) }
  if (pending !== undefined) return { ...done, ...valuesOf(known.get(pending)) }
  const isAfterDashes = rest.includes("--")
  const [name = "", value] = current.split("=", 2)
  if (!isAfterDashes && current.startsWith("--") && value !== undefined)
    return { ...done, ...valuesOf(known.get(name)), prefix: `${name}=` }
  if (!isAfterDashes && current.startsWith("-"))
    return { ...done, candidates: flags.map((flag) => ({ word: `--${flag.name}`, text: flag.text })) }
  if (verb === undefined) return { ...done, candidates: verbsAfter(rest, current) }
  return { ...done, ...argumentsOf(verb, rest) }
}

const NOTHING: Completion = {
  candidates: [],
  files: false,
  ask: undefined,
  prefix: "",
  verb: undefined,
  rest: [],
}

function verbOf(before: readonly string[]): { verb: Verb | undefined; rest: readonly string[] } {
  try {
    const { verb, ...more } = splitVerb(before)
    return verb === undefined || !("rest" in more)
      ? { verb: undefined, rest: before }
      : { verb, rest: more.rest }
  } catch {
    return { verb: undefined, rest: before }
  }
}

/** The last word, when it is a flag that wants the next one. */
function pendingFlag(words: readonly string[], known: KnownFlags): string | undefined {
  const last = readWords(words, known).at(-1)
  if (last?.kind !== "flag" || last.value !== undefined) return undefined
  return known.get(last.typed)?.value === undefined ? undefined : last.typed
}

const FILES = ["FILE", "FOLDER", "LOCATION"]
const ASKS: Readonly<Record<string, Ask>> = {
  series: "series",
  host: "host",
  tag: "tag",
  snapshot: "snapshots",
}

function valuesOf(flag: Flag | FlagHabit | undefined): Partial<Completion> {
  if (flag?.value === undefined || !("name" in flag)) return {}
  if (flag.choices !== undefined) return { candidates: flag.choices.map((word) => ({ word, text: "" })) }
  const ask = ASKS[flag.name]
  return ask === undefined ? { files: FILES.includes(flag.value) } : { ask }
}

function argumentsOf(verb: Verb, rest: readonly string[]): Partial<Completion> {
  const plain = plainCount(verb, rest)
  const argument: Argument | undefined = verb.arguments[Math.min(plain, verb.arguments.length - 1)]
  if (argument === undefined || (plain >= verb.arguments.length && argument.many !== true)) return {}
  switch (argument.completes) {
    case "files":
      return { files: true }
    case "snapshots":
      return { ask: "snapshots" }
    case "shells":
      return { candidates: SHELLS.map((word) => ({ word, text: "" })) }
    case "verbs": {
      const [first] = rest.filter((word) => !word.startsWith("-"))
      return { candidates: first === undefined ? firstVerbs() : seconds(first) }
    }
    case undefined:
    default:
      return {}
  }
}

function plainCount(verb: Verb, rest: readonly string[]): number {
  return readWords(rest, knownFlags(verb)).filter(({ kind }) => kind === "argument").length
}

/** Names of verbs; those of other tools only if one was begun. */
function verbsAfter(before: readonly string[], current: string): Candidate[] {
  const first = readWords(before, knownFlags()).find((token) => token.kind === "argument")
  if (first !== undefined) return first.index === before.length - 1 ? seconds(first.text) : []
  const names = firstVerbs()
  if (current === "" || names.some(({ word }) => word.startsWith(current))) return names
  return OTHER_NAMES.map((word) => ({ word, text: findVerb(word, undefined)?.verb.summary ?? "" }))
}

function firstVerbs(): Candidate[] {
  return FIRST_WORDS.map((word) => ({ word, text: VERBS.find(({ name }) => name === word)?.summary ?? "" }))
}

function seconds(first: string): Candidate[] {
  return [...secondWords(first), ...secondHabits(first)].map((word) => ({
    word,
    text: findVerb(first, word)?.verb.summary ?? "",
  }))
}
