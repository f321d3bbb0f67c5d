/** Where the journal of a restore is, and whether there is one. Loaded by every agent command, so it imports little. */
import { existsSync } from "node:fs"
import { join } from "node:path"
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
