/**
 * Reads typed words as flags with their values and arguments, by Node's parseArgs: `--name value`, `--name=value`,
 * `-n value`, `-nvalue`, `-abc` for switches; `--` ends the flags. The flags come from the table of verbs and from
 * other tools' habits. An unknown one is read as a switch.
 */
import { parseArgs } from "node:util"
import { FLAG_HABITS, type FlagHabit } from "./habits/flags.ts"
import { GLOBAL_FLAGS } from "./flags.ts"
import { flagsOf, VERBS } from "./table.ts"
import type { Flag, Verb } from "./verb.ts"

/** By the typed text, with its dashes. A flag that takes a value has `value`. */
export type KnownFlags = ReadonlyMap<string, Flag | FlagHabit>

export type Token =
  | { readonly kind: "argument"; readonly index: number; readonly text: string }
  /** `typed` does not contain the value, which may be a secret. */
  | {
      readonly kind: "flag"
      readonly index: number
      readonly typed: string
      readonly value: string | undefined
    }
  /** `--` */
  | { readonly kind: "end"; readonly index: number }

/** A verb's own flags come first; without a verb those of all verbs are known. */
export function knownFlags(verb?: Verb): KnownFlags {
  const known = new Map<string, Flag | FlagHabit>()
  const own = verb === undefined ? [...GLOBAL_FLAGS, ...VERBS.flatMap(({ flags }) => flags)] : flagsOf(verb)
  const habits = FLAG_HABITS.filter(({ verbs }) => verb === undefined || (verbs?.includes(verb.name) ?? true))
  const all: [string, Flag | FlagHabit][] = [
    ...own.map((flag): [string, Flag] => [`--${flag.name}`, flag]),
    ...own.map((flag): [string, Flag] => [`-${flag.short ?? ""}`, flag]),
    ...habits.flatMap((habit) => habit.flags.map((typed): [string, FlagHabit] => [typed, habit])),
  ]
  for (const [typed, flag] of all) if (typed !== "-" && !known.has(typed)) known.set(typed, flag)
  return known
}

export function readWords(words: readonly string[], known: KnownFlags): Token[] {
  const options = Object.fromEntries(
    Array.from(known, ([typed, { value }]) => {
      const type: "boolean" | "string" = value === undefined ? "boolean" : "string"
      return typed.startsWith("--") ? [typed.slice(2), { type }] : [typed, { type, short: typed.slice(1) }]
    }),
  )
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true })
  return tokens.map((token) => {
    const { index } = token
    if (token.kind === "positional") return { kind: "argument", index, text: token.value }
    if (token.kind === "option-terminator") return { kind: "end", index }
    const { rawName, value, inlineValue } = token
    if (rawName.startsWith("--")) return { kind: "flag", index, typed: rawName.split("=", 1)[0] ?? "", value }
    // `-n=5` means `-n5`
    return {
      kind: "flag",
      index,
      typed: rawName,
      value: inlineValue === true ? value.replace(/^=/, "") : value,
    }
  })
}
