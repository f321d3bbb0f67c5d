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
  const [line = ""] = await askHiddenLines(text, () => undefined)
  return line
}

/**
 * Asks for one or several lines without showing what is typed. Pasted lines count too.
 * @param more what asks for the next line; undefined: there are enough
 */
export async function askHiddenLines(
  text: string,
  more: (lines: readonly string[]) => string | undefined,
): Promise<string[]> {
  return await ask(text, { echo: new Writable({ write: (_bytes, _encoding, done) => done() }), more })
}

/** Asks for one line that is shown. */
export async function askLine(text: string): Promise<string> {
  const [line = ""] = await ask(text)
  return line
}

/** Asks until the answer is yes or no; an empty one is `otherwise`. */
export async function askYesNo(text: string, otherwise: boolean): Promise<boolean> {
  for (;;) {
    const answer = (await askLine(`${text} ${otherwise ? "[Y/n]" : "[y/N]"} `)).trim().toLowerCase()
    if (answer === "") return otherwise
    if (["y", "yes"].includes(answer)) return true
    if (["n", "no"].includes(answer)) return false
  }
}

interface AskHow {
  /** Shows the typed text; default: the terminal. */
  readonly echo?: Writable
  readonly more?: (lines: readonly string[]) => string | undefined
}

/** @returns the typed lines; none at the end of input */
async function ask(text: string, { echo, more = () => undefined }: AskHow = {}): Promise<string[]> {
  question.printBefore()
  const input = new ReadStream(openSync("/dev/tty", "r"))
  const screen = new WriteStream(openSync("/dev/tty", "w"))
  const lines = createInterface({ input, output: echo ?? screen, terminal: true, historySize: 0 })
  if (echo === undefined) lines.setPrompt(showText(text))
  else screen.write(showText(text))
  question.isOpen = true
  try {
    return await new Promise<string[]>((resolve) => {
      const typed: string[] = []
      let isDone = false
      lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"))
      lines.on("line", (line) => {
        if (isDone) return
        typed.push(line)
        const next = more(typed)
        isDone = next === undefined
        if (next === undefined) resolve(typed)
        else screen.write(`\n${showText(next)}`)
      })
      lines.once("close", () => resolve(typed))
      if (echo === undefined) lines.prompt()
    })
  } finally {
    question.isOpen = false
    if (echo !== undefined) screen.write("\n")
    lines.close()
    input.destroy()
    screen.destroy()
  }
}
