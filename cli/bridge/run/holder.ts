/** Who keeps the timer of a workspace: the lock `timer.lock`, and a note of its holder beside it. */
import { join } from "node:path"
import {
  isFileLocked,
  readPrivateFile,
  takeFileLock,
  writePrivateNote,
  type FileLock,
} from "../../../engine/index.ts"
import type { Host } from "../setup.ts"

export interface Holder {
  readonly host: "plugin" | "mcp" | "daemon"
  readonly pid: number
}

/** Undefined if another one keeps the timer. */
export function takeTimer(stateFolder: string, host: Host): FileLock | undefined {
  const lock = takeFileLock(fileOf(stateFolder, "lock"), 0)
  if (lock === undefined) return undefined
  const holder: Holder = { host: host === "cli" ? "daemon" : host, pid: process.pid }
  try {
    writePrivateNote(fileOf(stateFolder, "holder"), JSON.stringify(holder))
  } catch {
    // the lock counts: lost here, it would be held until this process ends
  }
  return lock
}

/** Undefined if nobody keeps the timer. The note is written just after the lock was taken, so it may be missing. */
export function timerHolder(stateFolder: string): Holder | undefined {
  if (!isFileLocked(fileOf(stateFolder, "lock"))) return undefined
  try {
    const note = JSON.parse(readPrivateFile(fileOf(stateFolder, "holder")) ?? "") as Partial<Holder>
    const { host, pid } = note
    if ((host === "plugin" || host === "mcp" || host === "daemon") && Number.isInteger(pid))
      return { host, pid: Number(pid) }
  } catch {
    // a torn note
  }
  return { host: "daemon", pid: 0 }
}

function fileOf(stateFolder: string, end: "lock" | "holder"): string {
  return join(stateFolder, `timer.${end}`)
}
