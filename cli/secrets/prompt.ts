/**
 * Questions on a terminal. A passphrase is read from the terminal itself, not from standard input, so `pg_dump |
 * holdfast backup --stdin` can ask too. Typed text is not shown.
 */
import { closeSync, openSync } from "node:fs"
import { createInterface } from "node:readline"
import { ReadStream, WriteStream } from "node:tty"
import { Writable } from "node:stream"
import { showText } from "../../engine/base/show.ts"
import { isTerminal, question } from "../output/terminal.ts"

/** True if there is a terminal to ask on. */
export function canAsk(): boolean {
  return isTerminal(2) && terminalPath() !== undefined
}

function terminalPath(): string | undefined {
  try {
    closeSync(openSync("/dev/tty", "r+"))
    return "/dev/tty"
  } catch {
    return undefined
  }
}

/** Asks for one line without showing what is typed. Ctrl-C ends the program with 130. */
export async function askHidden(text: string): Promise<string> {
  const input = new ReadStream(openSync("/dev/tty", "r"))
  const screen = new WriteStream(openSync("/dev/tty", "w"))
  const silent = new Writable({ write: (_bytes, _encoding, done) => done() })
  const lines = createInterface({ input, output: silent, terminal: true, historySize: 0 })
  screen.write(showText(text))
  question.isOpen = true
  try {
    return await new Promise<string>((resolve) => {
      lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"))
      lines.once("line", resolve)
      lines.once("close", () => resolve(""))
    })
  } finally {
    question.isOpen = false
    screen.write("\n")
    lines.close()
    input.destroy()
    screen.destroy()
  }
}
