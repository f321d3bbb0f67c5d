/**
 * Runs the built command line on a terminal of its own, which Linux's `script` makes, and types answers.
 * Tests only.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import type { Sandbox } from "./run-cli.ts"

export interface Answer {
  readonly question: string
  /** Or what follows from the screen so far. */
  readonly typed: string | ((screen: string) => string)
}

export function typedText({ typed }: Answer, screen: string): string {
  return typeof typed === "string" ? typed : typed(screen)
}

export interface TerminalHow {
  /** Each answer is typed when its question has appeared. */
  readonly answers?: readonly Answer[]
  /** Width of the terminal; by default it reports none. */
  readonly columns?: number
  readonly environment?: Readonly<Record<string, string>>
}

/** A run is ended after this time: it waits for an answer. */
const LATE_MS = 60_000

export interface Seen {
  readonly code: number
  /** Every byte that the terminal got, as text. */
  readonly screen: string
}

export async function onTerminal(
  box: Sandbox,
  home: string,
  words: readonly string[],
  { answers = [], columns, environment = {} }: TerminalHow = {},
): Promise<Seen> {
  const program = [process.execPath, "dist/cli/main.js", ...words].map((word) => `'${word}'`).join(" ")
  const command = columns === undefined ? program : `stty cols ${columns}; ${program}`
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", HOLDFAST_HOME: box.path(home), ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  })
  let screen = ""
  let from = 0
  const left = [...answers]
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (text: string) => {
    screen += text
    const [next] = left
    const at = next === undefined ? -1 : screen.indexOf(next.question, from)
    if (next === undefined || at < 0) return
    left.shift()
    from = at + next.question.length
    // The terminal stops echoing a moment after the question appears.
    setTimeout(() => child.stdin.write(typedText(next, screen)), 200)
  })
  // An unexpected question waits for ever.
  const late = setTimeout(() => child.kill(), LATE_MS)
  const [code] = (await once(child, "close")) as [number]
  clearTimeout(late)
  return { code, screen }
}
