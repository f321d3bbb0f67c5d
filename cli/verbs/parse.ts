/**
 * From typed words (read-words.ts) to a verb's arguments and options, by its entry in the table. The flags of other
 * backup tools are translated (habits/). A value is never repeated in an error unless the flag has a list of
 * choices: it may be a secret.
 */
import { UsageError } from "../output/exit-codes.ts"
import { refuseArchive } from "./habits/find-habit.ts"
import { existsSync } from "node:fs"
import { knownFlags, readWords, type KnownFlags } from "./read-words.ts"
import { unknownFlag } from "./split-verb.ts"
import { flagsOf } from "./table.ts"
import type { Flag, Verb } from "./verb.ts"

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
  readonly known: KnownFlags
  readonly values: Map<string, string[]>
}

export function parse(verb: Verb, words: readonly string[]): Parsed {
  const reading: Reading = { verb, known: knownFlags(verb), values: new Map() }
  const args: string[] = []
  for (const token of readWords(words, reading.known)) {
    if (token.kind === "argument") args.push(token.text)
    if (token.kind === "flag") take(reading, token.typed, token.value)
  }
  return { verb, args, options: optionsOf(reading) }
}

function take(reading: Reading, typed: string, value: string | undefined): void {
  const flag = reading.known.get(typed)
  if (flag === undefined) throw new UsageError(unknownFlag(typed, reading.verb))
  const isSwitch = flag.value === undefined
  if (!("name" in flag) && flag.say !== undefined) throw new UsageError(`${typed}: ${flag.say}`)
  if (isSwitch && !isOn(typed, value)) return
  if (!isSwitch && value === undefined) {
    const what = flag.value === true ? "VALUE" : flag.value
    throw new UsageError(`${typed} needs a value: ${typed} ${what}`)
  }
  if ("name" in flag) put(reading, flag, isSwitch ? "" : (value ?? ""))
  else if (flag.use !== undefined) {
    const [use = "", fixed] = flag.use.split("=", 2)
    take(reading, use, isSwitch ? fixed : value)
  }
}

/** Other tools let a switch be `--dry-run=false`, or `--verbose=2`. */
function isOn(typed: string, value: string | undefined): boolean {
  if (value === undefined || value === "true") return true
  if (value === "false") return false
  if (typed === "--verbose" && /^\d$/.test(value)) return value !== "0"
  throw new UsageError(`${typed} takes no value`)
}

function put({ values }: Reading, flag: Flag, value: string): void {
  const { name, many, choices } = flag
  if (choices?.includes(value) === false) {
    throw new UsageError(`--${name} must be one of ${choices.join(", ")}, not "${value}"`)
  }
  values.set(name, many === true ? [...(values.get(name) ?? []), value] : [value])
}

/** Missing and surplus arguments are reported after --help has been handled. */
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

function optionsOf({ verb, values }: Reading): Options {
  const known = new Set(flagsOf(verb).map(({ name }) => name))
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
