/** Whether a person sees what is written to a descriptor, and whether one is being asked. */
import { fstatSync } from "node:fs"

/** What `isTTY` says. Only for a terminal are Node's streams of terminals and sockets loaded: a few milliseconds. */
export function isTerminal(descriptor: 1 | 2): boolean {
  if (process.platform !== "win32" && !fstatSync(descriptor).isCharacterDevice()) return false
  return (descriptor === 1 ? process.stdout : process.stderr).isTTY
}

/** A question waits for its answer: nothing has been done yet. */
export const question = { isOpen: false }
