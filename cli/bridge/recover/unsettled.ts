/** Where the journal of a restore is, and whether there is one. Loaded by every agent command, so it imports little. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"

/** The folder of journal, plans and undo. */
export function restoreFolder(stateFolder: string): string {
  return join(stateFolder, "restore")
}

export function journalFile(stateFolder: string): string {
  return join(restoreFolder(stateFolder), "journal.json")
}

/** A restore in place was begun and has not ended. It may still run. */
export function isUnsettled({ stateFolder }: Pick<Setup, "stateFolder">): boolean {
  return existsSync(journalFile(stateFolder))
}

/** What a settle has found, in the folder of the journal: whatever process settled, a person hears of it for a day. */
export interface SettledNotes {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly warnings: readonly Warning[]
}

export function notesFile(stateFolder: string): string {
  return join(restoreFolder(stateFolder), "settled.json")
}

const SHOWN_MS = 24 * 60 * 60 * 1000

export function settledNotes({ stateFolder }: Pick<Setup, "stateFolder">): readonly Warning[] {
  const file = notesFile(stateFolder)
  if (!existsSync(file)) return []
  try {
    const { atMs, warnings } = JSON.parse(readFileSync(file, "utf8")) as SettledNotes
    return Date.now() - atMs < SHOWN_MS ? warnings : []
  } catch {
    return []
  }
}
