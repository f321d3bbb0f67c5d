/**
 * All printing. Results go to standard output: tables and sentences for a person, or with --json
 * one object a line. Warnings, the progress bar and the last `exit_error` go to standard error.
 * A reader that goes away (`| head`) ends the printing, not the work.
 */
import { writeSync } from "node:fs"
import { progressBar, type Progress } from "./progress.ts"
import { isTerminal } from "./terminal.ts"

/** A line for programs: every one says what it is. Numbers and bigints alike are JSON numbers. */
export type JsonLine = { readonly message_type: string; readonly [field: string]: unknown }

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly progress: boolean
  readonly environment: NodeJS.ProcessEnv
}

export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Nobody reads any more; a long listing may stop. */
  closed(): boolean
  /** What was asked for: printed even when quiet, never with --json. */
  line(text: string): void
  /** Friendly words around it: not when quiet, never with --json. */
  say(text: string): void
  /** A JSON line on standard output; nothing without --json. */
  object(line: JsonLine): void
  /** Whether an object has told what the store was asked. */
  hasRequests(): boolean
  /** A remark beside the result, on standard error: words, or a JSON line. */
  aside(remark: string | JsonLine): void
  /** Something to know that is not a failure: on standard error, a JSON line with --json. */
  warn(text: string): void
  /** The last line of a failure, on standard error. */
  fail(code: number, message: string): void
  progress(label: string): Progress
  bold(text: string): string
  /** Writes out what is still held back. */
  flush(): void
}

const HELD_BACK_CHARACTERS = 16 * 1024

export function createOutput(options: OutputOptions): Output {
  const { json, quiet, verbose } = options
  const out = bufferedWriter(1)
  let hasRequests = false
  const hasColour = (): boolean =>
    isTerminal(1) && !options.environment["NO_COLOR"] && options.environment["TERM"] !== "dumb"
  const stderr = (text: string): void => {
    out.flush()
    writeAll(2, `${text}\n`)
  }
  const print = (text: string): void => {
    if (!json) out.write(`${text}\n`)
  }
  return {
    json,
    quiet,
    verbose,
    closed: () => out.closed(),
    line: print,
    say: (text) => (quiet ? undefined : print(text)),
    hasRequests: () => hasRequests,
    aside: (remark) => stderr(typeof remark === "string" ? remark : toJson(remark)),
    object(line) {
      const { requests } = line
      if (typeof requests === "object" && requests !== null && "bytesUp" in requests) hasRequests = true
      if (json) out.write(`${toJson(line)}\n`)
    },
    warn: (text) => stderr(json ? toJson({ message_type: "warning", message: text }) : `holdfast: ${text}`),
    fail(code, message) {
      stderr(json ? toJson({ message_type: "exit_error", code, message }) : `holdfast: ${message}`)
    },
    progress(label) {
      const shown = options.progress && !json && !quiet && isTerminal(2)
      return progressBar(label, shown ? process.stderr : undefined)
    },
    bold: (text) => (hasColour() ? `\x1b[1m${text}\x1b[22m` : text),
    flush: () => out.flush(),
  }
}

/** JSON with bigints as plain digits. */
function toJson(line: JsonLine): string {
  return JSON.stringify(line, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value))
}

interface Writer {
  write(text: string): void
  flush(): void
  closed(): boolean
}

/** Many small lines become few system calls; nothing waits longer than one turn of the loop. */
function bufferedWriter(descriptor: number): Writer {
  let held: string[] = []
  let characters = 0
  let open = true
  const flush = (): void => {
    if (held.length === 0) return
    const text = held.join("")
    held = []
    characters = 0
    if (open) open = writeAll(descriptor, text)
  }
  return {
    write(text) {
      if (!open) return
      if (held.length === 0) setImmediate(flush)
      held.push(text)
      characters += text.length
      if (characters >= HELD_BACK_CHARACTERS) flush()
    },
    flush,
    closed: () => !open,
  }
}

/** Writes at once, so that no line is lost at the end. False when the reader is gone. */
function writeAll(descriptor: number, text: string): boolean {
  let bytes: Uint8Array = Buffer.from(text, "utf8")
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === "EPIPE") return false
      if (code !== "EAGAIN") throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
  return true
}
