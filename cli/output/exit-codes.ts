/**
 * Exit codes. The numbers are restic's where the meaning is the same. They are stable: numbers are added, never
 * changed. An unknown one means failure.
 */
import { errnoText } from "../../engine/base/errno.ts"
import type { EngineError } from "../../engine/index.ts"

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  someUnread: 3,
  noRepository: 10,
  busy: 11,
  wrongKey: 12,
  damaged: 13,
  rolledBack: 14,
  tooNew: 15,
  budget: 16,
  unreachable: 17,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A usage error; the message says what to type instead. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "UsageError"
  }
}

/** A program that was run for its output failed. */
export class CommandFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = "CommandFailed"
  }
}

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  "no-repository": EXIT.noRepository,
  "no-bucket": EXIT.noRepository,
  "no-store": EXIT.noRepository,
  busy: EXIT.busy,
  "wrong-key": EXIT.wrongKey,
  "no-secret": EXIT.wrongKey,
  // the disk of the restore target, not the store
  "target-io": EXIT.failed,
  "flush-failed": EXIT.failed,
  // the caches of this device, not the store
  "state-damaged": EXIT.failed,
  "format-too-new": EXIT.tooNew,
  budget: EXIT.budget,
}

/** For a run that printed its summary: each problem had a line of its own. */
export function messageOfCode(code: ExitCode): string {
  if (code === EXIT.someUnread)
    return "some files could not be read (listed above); everything else was saved"
  if (code === EXIT.damaged) return "damaged or missing objects were found (listed above)"
  return "some operations failed (listed above)"
}

/** Of an agent that has no approved configuration: there is nothing to work with. */
const NOT_READY = [
  "unconfigured",
  "needs-approval",
  "no-destination",
  "config-invalid",
  "config-unreadable",
  "literal-secret",
  "command-reference",
]

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage
  if (isAgentProblem(error)) return NOT_READY.includes(error.code) ? EXIT.usage : EXIT.failed
  if (isEngineError(error)) return BY_CODE[error.code] ?? byKind(error.kind)
  return isSystemError(error) || error instanceof CommandFailed ? EXIT.failed : EXIT.usage
}

function byKind(kind: EngineError["kind"]): ExitCode {
  switch (kind) {
    case "corrupt":
      return EXIT.damaged
    case "untrusted":
      return EXIT.rolledBack
    case "unavailable":
      return EXIT.unreachable
    case "invalid":
      return EXIT.usage
    case "not-found":
    case "denied":
    case "conflict":
      return EXIT.failed
  }
}

/** By its shape, so that reporting a mistyped flag does not load the engine. */
export function isEngineError(error: unknown): error is EngineError {
  return error instanceof Error && error.name === "EngineError" && "kind" in error && "code" in error
}

/** By its shape: the bridge is loaded only by its own verbs. */
function isAgentProblem(error: unknown): error is Error & { code: string; hint: string | undefined } {
  return error instanceof Error && error.name === "AgentProblem" && "code" in error && "hint" in error
}

/** A failed system call: no space, no permission, a read-only disk. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error
}

/** Alarms of rule R1 about lost entries. `--accept-head` does not apply to a forged or foreign object. */
const MISSED = ["chain-rolled-back", "trust-rolled-back", "entry-missing", "chain-forked"]

const ACCEPT =
  "If you know the reason, run `holdfast connect --accept-head` to accept the repository as it is now"

const SECRET_FLAGS =
  "Use --password-file, --password-command, --key-file, --recovery-words-file, or their HOLDFAST_ variables"

/** The message for the user. Only our own bugs mention the stack trace. */
export function messageOf(error: unknown): string {
  if (isEngineError(error)) {
    if (error.code === "no-secret") return `${error.message}. ${SECRET_FLAGS}`
    return MISSED.includes(error.code) ? `${error.message}. ${ACCEPT}` : error.message
  }
  if (isAgentProblem(error)) return error.hint ? `${error.message}. ${sentence(error.hint)}` : error.message
  if (error instanceof UsageError || error instanceof CommandFailed) return error.message
  if (isSystemError(error)) return systemMessage(error)
  const text = error instanceof Error ? error.message : String(error)
  return `internal error: ${text} (HOLDFAST_DEBUG=1 shows where)`
}

/** A command keeps its case. */
export function sentence(text: string): string {
  return /^(holdfast|sync_\w+) /.test(text) ? text : text.slice(0, 1).toUpperCase() + text.slice(1)
}

function systemMessage(error: NodeJS.ErrnoException): string {
  const what = errnoText(error.code)
  if (what === error.code) return error.message
  return error.path === undefined ? what : `${error.path}: ${what}`
}
