/** A failure as the record, the log and the status report it: code, message and what to do, without secrets. */
import { EngineError, shellWord, type Repository } from "../../../engine/index.ts"
import { EXIT, exitCodeOf, type ExitCode } from "../../output/exit-codes.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import type { Destination, Setup } from "../setup.ts"

/** REPOSITORY becomes its place and flags. */
const ACCEPT = "if you know the reason, run: holdfast connect --accept-head -r REPOSITORY"
const LOOK = "check that its disk is mounted, or that its bucket exists; then run: holdfast agent doctor"

const HINTS: Readonly<Record<string, string>> = {
  "chain-rolled-back": ACCEPT,
  "trust-rolled-back": ACCEPT,
  "entry-missing": ACCEPT,
  "chain-forked": ACCEPT,
  "no-repository": LOOK,
  "no-bucket": LOOK,
  "no-store": LOOK,
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
  corrupt: "run: holdfast check -r REPOSITORY",
  untrusted: "run: holdfast check -r REPOSITORY",
}

/** @param destination for commands that need the repository's place */
export function problemOf(error: unknown, destination?: Destination): Warning {
  if (isAgentProblem(error)) return warning(error.code, error.message, error.hint)
  if (isEngineError(error)) {
    const hint = HINTS[error.code] ?? KINDS[error.kind]
    const place = destination === undefined ? "REPOSITORY" : placeWords(destination)
    return warning(
      error.code,
      error.message,
      hint?.replace("REPOSITORY", () => place),
    )
  }
  if (isSystemError(error)) return warning(error.code.toLowerCase(), error.message, undefined)
  const text = error instanceof Error ? error.message : String(error)
  return warning("internal-error", text, "report this, with the output of HOLDFAST_DEBUG=1")
}

function placeWords({ location, endpoint, region }: Destination): string {
  const flags = Object.entries({ endpoint, region })
  return [
    shellWord(location),
    ...flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellWord(value)}`])),
  ].join(" ")
}

/** What a verb that reads went on in spite of: alarms, and what it found beside. */
export function repositoryWarnings(
  { destination }: Pick<Setup, "destination">,
  { session: { alarms, warnings } }: Repository,
): Warning[] {
  return [
    ...alarms.map((alarm) => problemOf(alarm, destination)),
    ...warnings.map((message) => ({ code: "repository", message })),
  ]
}

/** The exit codes of failures that a later try does not end. */
const FOR_A_PERSON: readonly ExitCode[] = [
  EXIT.noRepository,
  EXIT.wrongKey,
  EXIT.damaged,
  EXIT.rolledBack,
  EXIT.tooNew,
]

/** Whether only a person can end the failure: an alarm, damage, a wrong key, no access, or a set-up that can't work. */
export function needsPerson(error: unknown): boolean {
  if (isAgentProblem(error)) return error.code !== "busy"
  return FOR_A_PERSON.includes(exitCodeOf(error)) || (isEngineError(error) && error.kind === "denied")
}

/** By its shape, as below. */
function isAgentProblem(error: unknown): error is AgentProblem {
  return error instanceof AgentProblem || (error instanceof Error && error.name === "AgentProblem")
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
