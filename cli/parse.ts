/**
 * From typed words to a verb, its arguments and its options. The verb is found first, so that
 * global flags may stand before it; commander, made from the verb's table entry, does the rest.
 */
import { Command, CommanderError, Option } from "commander"
import { UsageError } from "./exit-codes.ts"
import { nearest } from "./suggest.ts"
import { GLOBAL_FLAGS } from "./verbs/flags.ts"
import { FIRST_WORDS, findVerb, flagsOf, secondWords, VERBS } from "./verbs/table.ts"
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

export type Split =
  | { verb: Verb; rest: string[] }
  /** `group` is the first word of several verbs, such as "key". */
  | { verb: undefined; wantsHelp: boolean; group?: string }

/** Finds the verb among the words. Flags before it are moved behind it. */
export function splitVerb(words: readonly string[]): Split {
  const position = firstPlainWord(words)
  const first = words[position]
  const wantsHelp = words.includes("--help") || words.includes("-h")
  if (first === undefined) {
    if (!wantsHelp) refuseUnknown(words)
    return { verb: undefined, wantsHelp }
  }
  const found = findVerb(first, words[position + 1])
  if (found === undefined && wantsHelp && secondWords(first).length > 0)
    return { verb: undefined, wantsHelp, group: first }
  if (found === undefined) throw new UsageError(unknownVerb(first, words[position + 1]))
  const rest = [...words.slice(0, position), ...words.slice(position + found.words)]
  return { verb: found.verb, rest }
}

function firstPlainWord(words: readonly string[]): number {
  for (let position = 0; position < words.length; position++) {
    const word = words[position] ?? ""
    if (!word.startsWith("-") || word === "-") return position
    if (takesNextWord(word)) position++
  }
  return words.length
}

function takesNextWord(word: string): boolean {
  if (word.includes("=")) return false
  const flag = GLOBAL_FLAGS.find(({ name, short }) => word === `--${name}` || word === `-${short ?? "-"}`)
  return flag?.value !== undefined
}

/** Without a verb nobody knows which flags there are, but the global ones. */
function refuseUnknown(words: readonly string[]): void {
  const long = GLOBAL_FLAGS.map(({ name }) => `--${name}`)
  const known = new Set([...long, ...GLOBAL_FLAGS.map(({ short }) => `-${short ?? ""}`)])
  for (let position = 0; position < words.length; position++) {
    const word = words[position] ?? ""
    const [flag = ""] = word.split("=")
    if (!known.has(flag)) throw new UsageError(unknownFlag(flag, "", [...long, "--version"]))
    if (takesNextWord(word)) position++
  }
}

function unknownFlag(typed: string, of: string, known: readonly string[]): string {
  const guess = typed.startsWith("--") ? nearest(typed, known) : undefined
  const help = of === "" ? "`holdfast help` lists them all" : `\`holdfast help ${of}\` explains it`
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
  const aliases = VERBS.flatMap((verb) => verb.aliases ?? [])
  const guess = nearest(first, [...FIRST_WORDS, ...aliases])
  const hint = guess === undefined ? "`holdfast help` lists them all" : `did you mean \`holdfast ${guess}\`?`
  return `unknown verb "${first}"; ${hint}`
}

export function parse(verb: Verb, rest: readonly string[]): Parsed {
  const command = commandFor(verb)
  try {
    command.parse([...rest], { from: "user" })
  } catch (error) {
    if (error instanceof CommanderError) throw new UsageError(usageMessage(error, verb))
    throw error
  }
  return { verb, args: command.args, options: optionsOf(verb, command.opts()) }
}

function commandFor(verb: Verb): Command {
  const command = new Command(verb.name.replace(" ", "-"))
  command.exitOverride().helpOption(false).allowExcessArguments(false).showSuggestionAfterError(false)
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} })
  for (const { name, many } of verb.arguments) {
    const text = many === true ? `${name}...` : name
    // A missing argument is only told after --help had its chance, in checkArguments.
    command.argument(`[${text}]`)
  }
  for (const flag of flagsOf(verb)) command.addOption(optionFor(flag))
  return command
}

function optionFor(flag: Flag): Option {
  const value = flag.value === undefined ? "" : ` <${flag.value}>`
  const option = new Option(`${flag.short === undefined ? "" : `-${flag.short}, `}--${flag.name}${value}`)
  if (flag.many === true) {
    option.argParser<string[]>((one, before) => [...(Array.isArray(before) ? before : []), one])
  } else if (flag.choices !== undefined) {
    option.choices(flag.choices)
  }
  return option
}

function usageMessage(error: CommanderError, verb: Verb): string {
  const message = error.message.replace(/^error: /, "").replaceAll("'", '"')
  if (error.code === "commander.unknownOption") {
    const [typed = ""] = (/"(-[^"]*)"/.exec(message)?.[1] ?? "").split("=")
    return unknownFlag(
      typed,
      verb.name,
      flagsOf(verb).map(({ name }) => `--${name}`),
    )
  }
  return `${lowerFirst(message).replace(/\.$/, "")}; \`holdfast help ${verb.name}\` explains it`
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

/** Tells of arguments that are missing; called once it is known that no help was asked for. */
export function checkArguments({ verb, args }: Parsed): void {
  const missing = verb.arguments.filter(
    ({ required }, position) => required === true && args.length <= position,
  )
  if (missing[0] === undefined) return
  const { line } = verb.examples[0]
  const article = /^[aeiou]/.test(missing[0].name) ? "an" : "a"
  throw new UsageError(`${verb.name} needs ${article} ${missing[0].name}; for example: ${line}`)
}

function optionsOf(verb: Verb, values: Readonly<Record<string, unknown>>): Options {
  const known = new Set(flagsOf(verb).map(({ name }) => name))
  const value = (name: string): unknown => {
    if (!known.has(name)) throw new Error(`bug: ${verb.name} has no flag --${name}`)
    return values[camelCase(name.replace(/^no-/, ""))]
  }
  return {
    flag: (name) => (name.startsWith("no-") ? value(name) === false : value(name) === true),
    text(name) {
      const found = value(name)
      return typeof found === "string" ? found : undefined
    },
    list(name) {
      const found = value(name)
      return Array.isArray(found) ? found.filter((one) => typeof one === "string") : []
    },
  }
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
