/** Whether a person sees what is written to a descriptor. */
import { fstatSync } from "node:fs"

/** What `isTTY` says. Only for a terminal are Node's streams of terminals and sockets loaded: a few milliseconds. */
export function isTerminal(descriptor: 1 | 2): boolean {
  if (process.platform !== "win32" && !fstatSync(descriptor).isCharacterDevice()) return false
  return (descriptor === 1 ? process.stdout : process.stderr).isTTY
}
