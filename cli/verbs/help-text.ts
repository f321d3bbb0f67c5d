/** The help texts, made from the table of verbs; at most 80 columns wide. */
import { wrap } from "../output/format.ts"
import { aliasesOf } from "./habits/find-habit.ts"
import type { Output } from "../output/output.ts"
import { GLOBAL_FLAGS } from "./flags.ts"
import { GROUPS, VERBS } from "./table.ts"
import type { Flag, Verb } from "./verb.ts"

const WIDTH = 80

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["HOLDFAST_REPOSITORY", "the repository, same as -r"],
  ["HOLDFAST_PASSWORD", "the passphrase; or …_PASSWORD_FILE, …_PASSWORD_COMMAND"],
  ["HOLDFAST_KEY_FILE", "a file with a 32-byte key in base64"],
  ["HOLDFAST_RECOVERY_WORDS_FILE", "a file with the 24 recovery words"],
  ["HOLDFAST_HOME", "folder for the keys and caches of this device"],
  ["AWS_…", "S3 credentials and endpoint, as in other AWS tools"],
  ["NO_COLOR, HOLDFAST_DEBUG", "plain text; stack traces"],
]

/** `holdfast help`: every verb in one line. */
export function overview(): string {
  const lines = [
    "holdfast makes encrypted, deduplicated, versioned backups, stored in a folder",
    "or in an S3 bucket.",
    "",
    "Examples:",
    "  holdfast init /mnt/disk/backups     create a repository; write down the words",
    "  holdfast backup ~/notes             back up a folder, as often as you like",
    "  holdfast restore latest --target /tmp/notes",
    "",
  ]
  for (const [group, verbs] of GROUPS) {
    lines.push(`${group}:`)
    lines.push(...verbLines(verbs), "")
  }
  lines.push("Flags of every verb:", ...GLOBAL_FLAGS.flatMap(flagLines), "", "Environment:")
  for (const [name, text] of ENVIRONMENT) lines.push(...hanging(`  ${name}`, text, 32))
  lines.push("", "`holdfast help VERB` explains a verb, with examples.")
  return lines.join("\n")
}

/** A long name widens the column of its group. */
function verbLines(verbs: readonly Verb[]): string[] {
  const width = Math.max(11, ...verbs.map(({ name }) => name.length))
  return verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
}

/** `holdfast help VERB`. */
export function verbHelp(verb: Verb): string {
  const lines = [`holdfast ${usage(verb)}`, ""]
  lines.push(...wrap(`${verb.summary.slice(0, 1).toUpperCase()}${verb.summary.slice(1)}.`, WIDTH))
  for (const paragraph of verb.details) lines.push("", ...wrap(paragraph, WIDTH))
  lines.push("", "Examples:")
  for (const { line, does } of verb.examples) lines.push(`  ${line}`, `      ${does}`)
  if (verb.flags.length > 0) lines.push("", "Flags:", ...verb.flags.flatMap(flagLines))
  const others = aliasesOf(verb.name)
  if (others.length > 0) lines.push("", ...wrap(`Also called: ${others.join(", ")}`, WIDTH))
  lines.push("", "`holdfast help` lists the flags of every verb.")
  return lines.join("\n")
}

/** `holdfast key --help`: all verbs of a group. */
export function groupHelp(first: string): string {
  const group = VERBS.filter(({ name }) => name.startsWith(`${first} `))
  return group.map((verb) => verbHelp(verb)).join("\n\n\n")
}

export function showHelp(output: Output, text: string): void {
  output.block(text)
  output.object({ message_type: "help", text })
}

function usage({ name, arguments: all, flags }: Verb): string {
  const words = all.map(({ name: one, required, many }) => {
    const word = `${one.toUpperCase()}${many === true ? "…" : ""}`
    return required === true ? word : `[${word}]`
  })
  return [name, ...words, ...(flags.length > 0 ? ["[FLAGS]"] : [])].join(" ")
}

function flagLines(flag: Flag): string[] {
  const { name, short, value, choices, text } = flag
  const left = `  ${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`
  return hanging(left, choices === undefined ? text : `${text}: ${choices.join(", ")}`, 32)
}

/** `left`, then `text` from column `indent` on; below it when `left` is too long. */
function hanging(left: string, text: string, indent: number): string[] {
  const [first = "", ...rest] = wrap(text, WIDTH - indent)
  const pad = " ".repeat(indent)
  const below = rest.map((line) => pad + line)
  if (left.length > indent - 2) return [left, pad + first, ...below]
  return [left.padEnd(indent) + first, ...below]
}
