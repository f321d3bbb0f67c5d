/**
 * All printing. Results go to standard output: tables and sentences, or with --json one object per line. Warnings,
 * the progress bar and the last `exit_error` go to standard error. Only this file escapes stored or foreign text:
 * no control character that a verb prints reaches the terminal or begins a line. A closed reader (`| head`) ends
 * the printing, not the work.
 */
import { writeSync } from "node:fs"
import { showText } from "../../engine/base/show.ts"
import { progressBar, type Progress } from "./progress.ts"
import { isTerminal, question } from "./terminal.ts"

/** A line for programs; each has its type. Numbers and bigints alike are JSON numbers. */
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
  /** The reader is gone; a long listing may stop. */
  closed(): boolean
  /** The result: printed even with --quiet, never with --json. */
  line(text: string): void
  /** The same, in bold on a terminal. */
  heading(text: string): void
  /** The same, for several lines of the program's own: help, a script. They must not contain stored text. */
  block(text: string): void
  /** Text around the result: not with --quiet, never with --json. */
  say(text: string): void
  /** A JSON line on standard output; nothing without --json. */
  object(line: JsonLine): void
  /** A tool's structured object as a JSON line, unchanged; nothing without --json. */
  structured(result: object): void
  /** A JSON line about an error during the run, on standard error; nothing without --json. */
  errorObject(line: JsonLine): void
  /** Whether an object has reported the store requests. */
  hasRequests(): boolean
  /** Whether the result was an object of `structured`, which also says what failed. */
  hasStructured(): boolean
  /** A remark on standard error: words, or a JSON line. */
  aside(remark: string | JsonLine): void
  /** A warning on standard error; a JSON line with --json. */
  warn(text: string): void
  /** The last line of a failure, on standard error; commands to type may follow, each on a line: "  holdfast …". */
  fail(code: number, message: string): void
  progress(label: string): Progress
  /** Writes out the buffer. */
  flush(): void
}

const HELD_BACK_CHARACTERS = 16 * 1024

export function createOutput(options: OutputOptions): Output {
  const { json, quiet, verbose } = options
  const out = bufferedWriter(1)
  question.printBefore = () => out.flush()
  let hasRequests = false
  let hasStructured = false
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
    line: (text) => print(showText(text)),
    heading: (text) => print(hasColour() ? `\x1b[1m${showText(text)}\x1b[22m` : showText(text)),
    block: print,
    say: (text) => (quiet ? undefined : print(showText(text))),
    errorObject: (line) => (json ? stderr(toJson(line)) : undefined),
    hasRequests: () => hasRequests,
    hasStructured: () => hasStructured,
    aside: (remark) => stderr(typeof remark === "string" ? showText(remark) : toJson(remark)),
    object(line) {
      const { requests } = line
      if (typeof requests === "object" && requests !== null && "bytes_up" in requests) hasRequests = true
      if (json) out.write(`${toJson(line)}\n`)
    },
    structured(result) {
      hasStructured = true
      if (json) out.write(`${toJson(result)}\n`)
    },
    warn: (text) =>
      stderr(json ? toJson({ message_type: "warning", message: text }) : `holdfast: ${showText(text)}`),
    fail(code, message) {
      stderr(json ? toJson({ message_type: "exit_error", code, message }) : `holdfast: ${showLines(message)}`)
    },
    progress(label) {
      const shown = options.progress && !json && !quiet && isTerminal(2)
      return progressBar(label, shown ? process.stderr : undefined)
    },
    flush: () => out.flush(),
  }
}

/** Escapes a message; the commands below it keep their own lines. */
function showLines(message: string): string {
  return message
    .split(/\n(?= {2}holdfast )/)
    .map(showText)
    .join("\n")
}

/** JSON with bigints as plain digits, and with the control characters that JSON allows as \uNNNN. */
function toJson(line: object): string {
  const text = JSON.stringify(line, (_, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  )
  return text.replace(/[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, jsonEscape)
}

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
}

interface Writer {
  write(text: string): void
  flush(): void
  closed(): boolean
}

/** Combines small lines into few system calls; no line waits longer than one turn of the event loop. */
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

/** Writes immediately, so that no line is lost at the end. False when the reader is gone. */
export function writeAll(descriptor: number, text: string): boolean {
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

/** An object of the store that is wrong: reported by check, scrub and copy. */
export interface ObjectError {
  readonly object: string
  readonly message: string
}

/** Prints it on a line of its own. `more` adds fields to the JSON line, `behind` adds text to the line. */
export function reportObjectError(
  output: Output,
  during: "check" | "copy",
  { object, message }: ObjectError,
  { more = {}, behind = "" }: { more?: Record<string, unknown>; behind?: string } = {},
): void {
  output.errorObject({ message_type: "error", message, error: { message }, during, item: object, ...more })
  output.line(`${namedObject(object, message)}${behind}`)
}

/** Most messages begin with the object's name. */
export function namedObject(object: string, message: string): string {
  return message.includes(object) ? message : `${object}: ${message}`
}
