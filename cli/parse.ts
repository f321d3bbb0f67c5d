/**
 * From typed words to a verb, its arguments and its options, by the verb's entry in the table. Flags may
 * stand anywhere: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abc` for switches; `--` ends
 * them. The flags of other backup tools are translated (habits/). A value is never repeated in an
 * error unless the flag has a list of choices: it may be a secret.
 */
import { UsageError } from "./exit-codes.ts"
import { flagHabit, refuseArchive } from "./habits/find-habit.ts"
import { existsSync } from "node:fs"
import { isNamed, unknownFlag } from "./split-verb.ts"
import { flagsOf } from "./verbs/table.ts"
import type { Flag, Verb } from "./verbs/verb.ts"

/** Options by their names in the table. Asking for one that the verb does not have is a bug. */
export interface Options {
  flag(name: string): boolean
  text(name: string): string | undefined
  list(name: string): string[]
}

export interface Parsed {
  readonly verb: Verb
  readonly args: readonly string[]
  readonly options: Options
}

interface Reading {
  readonly verb: Verb
  readonly flags: readonly Flag[]
  readonly words: readonly string[]
  /** Of the next word. */
  position: number
  readonly args: string[]
  readonly values: Map<string, string[]>
}

export function parse(verb: Verb, words: readonly string[]): Parsed {
  const reading: Reading = {
    verb,
    flags: flagsOf(verb),
    words,
    position: 0,
    args: [],
    values: new Map(),
  }
  while (reading.position < words.length) {
    const word = words[reading.position++] ?? ""
    if (word === "--") {
      reading.args.push(...words.slice(reading.position))
      break
    }
    if (!word.startsWith("-") || word === "-") reading.args.push(word)
    else if (word.startsWith("--")) readLong(reading, word)
    else readLetters(reading, word)
  }
  return { verb, args: reading.args, options: optionsOf(reading) }
}

/** `--name` or `--name=value`. */
function readLong(reading: Reading, word: string): void {
  const [typed = ""] = word.split("=", 1)
  take(reading, typed, word === typed ? undefined : word.slice(typed.length + 1))
}

/** `-n`, `-nvalue`, or several switches in one word. */
function readLetters(reading: Reading, word: string): void {
  for (let at = 1; at < word.length; at++) {
    const typed = `-${word[at] ?? ""}`
    const rest = word.slice(at + 1)
    if (take(reading, typed, rest === "" ? undefined : rest.replace(/^=/, ""))) return
  }
}

/** Whether the flag has used `inside`, which stood in the same word. */
function take(reading: Reading, typed: string, inside: string | undefined): boolean {
  const flag = reading.flags.find((one) => isNamed(one, typed))
  if (flag === undefined) return takeHabit(reading, typed, inside)
  if (flag.value !== undefined) {
    put(reading, flag, inside ?? nextWord(reading, typed, flag.value))
    return true
  }
  if (!typed.startsWith("--")) put(reading, flag, "")
  else if (isOn(flag, inside)) put(reading, flag, "")
  return false
}

/** Other tools let a switch be `--dry-run=false`, or `--verbose=2`. */
function isOn({ name }: Flag, inside: string | undefined): boolean {
  if (inside === undefined || inside === "true") return true
  if (inside === "false") return false
  if (name === "verbose" && /^\d$/.test(inside)) return inside !== "0"
  throw new UsageError(`--${name} takes no value`)
}

function takeHabit(reading: Reading, typed: string, inside: string | undefined): boolean {
  const { verb, flags } = reading
  const habit = flagHabit(verb.name, typed)
  if (habit === undefined) {
    const known = flags.map(({ name }) => `--${name}`)
    throw new UsageError(unknownFlag(typed, verb.name, known))
  }
  if (habit.say !== undefined) throw new UsageError(`${typed}: ${habit.say}`)
  const value = habit.value === true ? (inside ?? nextWord(reading, typed, "VALUE")) : undefined
  if (habit.use !== undefined) {
    const [use = "", fixed] = habit.use.split("=", 2)
    take(reading, use, value ?? fixed)
  }
  return value !== undefined
}

function nextWord(reading: Reading, typed: string, value: string): string {
  const word = reading.words[reading.position++]
  if (word === undefined) throw new UsageError(`${typed} needs a value: ${typed} ${value}`)
  return word
}

function put({ values }: Reading, flag: Flag, value: string): void {
  const { name, many, choices } = flag
  if (choices?.includes(value) === false) {
    throw new UsageError(`--${name} must be one of ${choices.join(", ")}, not "${value}"`)
  }
  values.set(name, many === true ? [...(values.get(name) ?? []), value] : [value])
}

/** Missing and surplus arguments are reported once it is known that no help was asked for. */
export function checkArguments({ verb, args }: Parsed): void {
  refuseArchive(verb.name, args, existsSync)
  const { line } = verb.examples[0]
  const missing = verb.arguments.find(
    ({ required }, position) => required === true && args.length <= position,
  )
  if (missing !== undefined) {
    throw new UsageError(`${verb.name} needs ${withArticle(missing.name)}; for example: ${line}`)
  }
  const surplus = args[verb.arguments.length]
  if (surplus === undefined || verb.arguments.at(-1)?.many === true) return
  const hint = verb.surplus ?? `for example: ${line}`
  throw new UsageError(`${verb.name} takes ${countOf(verb)}; unexpected: "${surplus}"; ${hint}`)
}

function withArticle(name: string): string {
  return /^[aeiou]/i.test(name) ? `an ${name === "id" ? "ID" : name}` : `a ${name}`
}

function countOf({ arguments: all }: Verb): string {
  if (all.length === 0) return "no arguments"
  return all.length === 1 ? `one ${all[0]?.name ?? ""}` : `at most ${all.length} arguments`
}

function optionsOf({ verb, flags, values }: Reading): Options {
  const known = new Set(flags.map(({ name }) => name))
  const value = (name: string): string[] | undefined => {
    if (!known.has(name)) throw new Error(`bug: ${verb.name} has no flag --${name}`)
    return values.get(name)
  }
  return {
    flag: (name) => value(name) !== undefined,
    text: (name) => value(name)?.at(-1),
    list: (name) => value(name) ?? [],
  }
}
