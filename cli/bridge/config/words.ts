/**
 * The recovery words of a repository that `agent init` made: whether a person has confirmed them, and where the sheet
 * is. The words themselves are kept nowhere but on that sheet.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  openHome,
  openRepository,
  readPrivateFile,
  writePrivateFile,
  type Store,
} from "../../../engine/index.ts"
import type { Warning } from "../results.ts"

const WORDS_NAME = "recovery-words.json"

export interface WordsState {
  readonly confirmed: boolean
  /** The file that they were written to; null if they were shown on the terminal. */
  readonly sheet: string | null
}

/** Undefined if this machine made no words for the workspace: the repository was there before. */
export function readWordsState(stateFolder: string): WordsState | undefined {
  const text = readPrivateFile(join(stateFolder, WORDS_NAME))
  if (text === undefined) return undefined
  try {
    const { confirmed, sheet } = JSON.parse(text) as Partial<WordsState>
    return { confirmed: confirmed === true, sheet: typeof sheet === "string" ? sheet : null }
  } catch {
    return { confirmed: false, sheet: null }
  }
}

export function writeWordsState(stateFolder: string, state: WordsState): void {
  writePrivateFile(join(stateFolder, WORDS_NAME), `${JSON.stringify(state)}\n`)
}

/** Until a person has confirmed the words. */
export function wordsWarnings(stateFolder: string): Warning[] {
  const state = readWordsState(stateFolder)
  if (state === undefined || state.confirmed) return []
  const where = state.sheet === null ? "" : ` They are in ${state.sheet}.`
  return [
    {
      code: "words-not-confirmed",
      message: `nobody has confirmed the 24 recovery words of the repository.${where} Without them, whoever loses this machine loses the backups`,
      hint: "keep the words off this machine, then run: holdfast agent init --confirm-words",
    },
  ]
}

/** The words of a sheet, or of a file of words; undefined if it is gone. */
export function wordsOfSheet(path: string): string[] | undefined {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return undefined
  }
  const numbered = [...text.matchAll(/\b(\d{1,2})\. ([a-z]+)/g)].map(([, , word = ""]) => word)
  const words = numbered.length > 0 ? numbered : (text.match(/[a-z]+/g) ?? [])
  return words.length === 24 ? words : undefined
}

/** Whether the words open the repository. Tried in a home of its own, which is removed. */
export async function wordsOpen(store: Store, words: string): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-words-"))
  try {
    const home = openHome({ directory, environment: {} })
    const repository = await openRepository({ store, home, secret: { kind: "recovery", words } })
    repository.close()
    return true
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "wrong-key" || code === "recovery-words") return false
    throw error
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
