/** Whether a descriptor is a terminal, and whether a question is open. */
import { fstatSync } from "node:fs"

/**
 * The value of `isTTY`. Node's terminal and socket streams, which take a few milliseconds to load, are loaded only
 * for a terminal.
 */
export function isTerminal(descriptor: 1 | 2): boolean {
  if (process.platform !== "win32" && !fstatSync(descriptor).isCharacterDevice()) return false
  return (descriptor === 1 ? process.stdout : process.stderr).isTTY
}

/** While a question waits for its answer, no work has been done yet. */
export const question = {
  isOpen: false,
  /** Prints what is buffered: it must be on the screen before the question. */
  printBefore: (): void => undefined,
}
