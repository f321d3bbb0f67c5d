/**
 * The output of new recovery words: once on the terminal, or into a new file that only the owner can read. Never
 * into JSON, a log, or a file inside a source (rule S1).
 */
import { errnoOf, errnoText } from "../../engine/base/errno.ts"
import { closeSync, fsyncSync, openSync, realpathSync, rmSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { showDay, showText } from "../../engine/base/show.ts"
import { shellWord, writeAll } from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { UsageError } from "../output/exit-codes.ts"
import { isTerminal } from "../output/terminal.ts"
import { VERSION } from "../../engine/base/version.ts"

export interface WordsPlace {
  readonly descriptor: number
  readonly path: string
  readonly sheet: boolean
}

/**
 * Creates the files that the flags name before there are words, so a file that can't be written is reported before
 * any change. `avoid` lists folders that must not contain them: the repository, and the sources.
 */
export function prepareWordsFiles(call: Call, avoid: readonly string[]): WordsPlace[] {
  const places: WordsPlace[] = []
  for (const [flag, sheet] of [
    ["recovery-words-file", false],
    ["recovery-sheet", true],
  ] as const) {
    const path = call.options.text(flag)
    if (path === undefined) continue
    for (const folder of avoid) refuseInside(path, folder, flag)
    places.push({ descriptor: createPrivate(path, flag), path, sheet })
  }
  return places
}

/** A new sheet that no flag names. */
export function newSheet(path: string): WordsPlace {
  return { descriptor: createPrivate(path, "recovery-sheet"), path, sheet: true }
}

function refuseInside(path: string, avoided: string, flag: string): void {
  const place = join(realFolder(dirname(resolve(path))), basename(path))
  const folder = realFolder(resolve(avoided))
  if (place !== folder && !place.startsWith(`${folder}/`)) return
  throw new UsageError(`--${flag} ${path} is inside ${avoided}. Keep the words in another place`)
}

/** Resolves links as far as the folders exist. */
function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realFolder(parent), basename(path))
  }
}

function createPrivate(path: string, flag: string): number {
  try {
    return openSync(path, "wx", 0o600)
  } catch (error) {
    const code = errnoOf(error)
    const why =
      code === "EEXIST" ? "exists already. Name a new file" : `cannot be written: ${errnoText(code)}`
    throw new UsageError(`--${flag} ${path} ${why}`)
  }
}

/**
 * Runs a function that makes and outputs the words. If it fails, its files are removed, so the next attempt can
 * create them.
 */
export async function keepingPlaces<T>(places: readonly WordsPlace[], make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    for (const { path } of places) rmSync(path, { force: true })
    throw error
  } finally {
    for (const { descriptor } of places) closeSync(descriptor)
  }
}

export interface SheetFacts {
  readonly location: string
  readonly repositoryId: string
  /** Lines that say how to get everything back; default: of an ordinary repository. */
  readonly wayBack?: readonly string[] | undefined
}

/** Refuses to make words that nobody can see: they would open the repository all the same. */
export function canShowWords({ output }: Call, places: readonly WordsPlace[]): boolean {
  return places.length > 0 || (!output.json && isTerminal(1))
}

/** Writes the words to the files, or to the terminal if there are none. */
export function deliverWords(
  call: Call,
  words: string,
  places: readonly WordsPlace[],
  facts: SheetFacts,
): void {
  for (const { descriptor, path, sheet } of places) {
    writeAll(descriptor, Buffer.from(sheet ? recoverySheet(words, facts) : `${words}\n`))
    fsyncSync(descriptor)
    call.output.say(`the recovery words are in ${path}. Move them to a safe place off this machine`)
  }
  if (places.length > 0) return
  call.output.line("")
  call.output.heading("Recovery words: shown once, now. Write them on paper.")
  for (const row of wordRows(words)) call.output.line(row)
  call.output.line("They open the repository if this machine and every passphrase are lost.")
}

/** Four numbered words per row. */
function wordRows(words: string): string[] {
  const numbered = words.split(" ").map((word, at) => `${String(at + 1).padStart(4)}. ${word.padEnd(10)}`)
  const rows: string[] = []
  for (let at = 0; at < numbered.length; at += 4)
    rows.push(
      numbered
        .slice(at, at + 4)
        .join("")
        .trimEnd(),
    )
  return rows
}

function recoverySheet(
  words: string,
  { location, repositoryId, wayBack = ordinaryWay(location) }: SheetFacts,
): string {
  return [
    "HOLDFAST RECOVERY SHEET",
    "",
    "Print this, put it in a safe place, then delete the file. Whoever has the words",
    "and can reach the repository can read everything in it.",
    "",
    `Repository:  ${showText(location)}`,
    `Id:          ${repositoryId}`,
    `Written by:  holdfast ${VERSION}, ${showDay(new Date())}`,
    "",
    "Words:",
    ...wordRows(words),
    "",
    "Keep a copy of this program beside the repository: `npm pack` in a clone of holdfast",
    `makes holdfast-${VERSION}.tgz. Do not install a package of this name from a registry.`,
    "",
    ...wayBack,
    "",
  ].join("\n")
}

function ordinaryWay(location: string): string[] {
  return [
    "To get everything back on an empty machine, put the 24 words into a file named",
    "words.txt, in their order, and type:",
    "",
    `  npm install --global ./holdfast-${VERSION}.tgz`,
    `  holdfast connect ${shellWord(location)} --recovery-words-file words.txt`,
    "  holdfast snapshots",
    "  holdfast restore ID --target restored",
    "",
    "ID is the first column of the list, for each snapshot that you want back.",
  ]
}
