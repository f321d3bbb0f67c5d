/** A failure as the record, the log and the status report it: code, message and what to do, without secrets. */
import { EngineError } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"

const HINTS: Readonly<Record<string, string>> = {
  "chain-rolled-back": "if you know the reason, run: holdfast connect --accept-head",
  "trust-rolled-back": "if you know the reason, run: holdfast connect --accept-head",
  "entry-missing": "if you know the reason, run: holdfast connect --accept-head",
  "chain-forked": "if you know the reason, run: holdfast connect --accept-head",
  "no-secret": "run: holdfast agent init",
  "wrong-key": "run: holdfast agent doctor",
  "not-enrolled": "run: holdfast agent init",
  "device-ended": "run: holdfast agent doctor",
  "format-too-new": "update holdfast",
}

/** By the kind of an engine's error. */
const KINDS: Readonly<Record<string, string>> = {
  unavailable: "it is tried again by itself; `holdfast agent doctor` checks the connection",
  denied: "run: holdfast agent doctor",
  corrupt: "run: holdfast check",
}

export function problemOf(error: unknown): Warning {
  if (error instanceof AgentProblem) return warning(error.code, error.message, error.hint)
  if (isEngineError(error)) return warning(error.code, error.message, HINTS[error.code] ?? KINDS[error.kind])
  if (isSystemError(error)) return warning(error.code.toLowerCase(), error.message, undefined)
  const text = error instanceof Error ? error.message : String(error)
  return warning("internal-error", text, "report this, with the output of HOLDFAST_DEBUG=1")
}

function warning(code: string, message: string, hint: string | undefined): Warning {
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}

/** By its shape: another copy of the engine in this process has a class of its own. */
function isEngineError(error: unknown): error is EngineError {
  return error instanceof EngineError || (error instanceof Error && error.name === "EngineError")
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string"
}
