/**
 * `memory/sync-log.jsonl`: what the agent and its person can read about backups, one object a line. It is a convenience:
 * the repository is the truth, so a log that is torn, edited or deleted is no error. It is never backed up and never
 * restored. spec/agent.md.
 */
import { mkdirSync, readdirSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { appendToLog } from "../../../engine/index.ts"
import type { Warning } from "../results.ts"
import type { Host, Setup } from "../setup.ts"
import type { RunContext } from "./context.ts"
import { type RunFound, withRecord } from "./record.ts"

const BYTES_MAX = 1024 * 1024
const KEEP = 3
/** A line is one write, and other programs write the same file. */
const LINE_BYTES_MAX = 4096
const UNCHANGED_EVERY_MS = 3_600_000
const FOLDER = "memory"

export interface LogLine {
  readonly op: "backup" | "restore" | "verify" | "prune" | "config"
  /** Number of the run. */
  readonly run?: string
  readonly triggers: readonly string[]
  readonly outcome: string
  readonly snapshot?: string | null
  readonly parent?: string | null
  readonly flag?: string | null
  readonly files?: object
  readonly bytes?: object | number
  readonly ms: number
  readonly warnings: readonly Warning[]
  readonly problem?: Warning | undefined
}

/** Of an agent with a workspace that is not empty, so that the log's folder is in the snapshot that follows. */
export function prepareLog({ workspace }: Pick<Setup, "workspace">): void {
  try {
    if (readdirSync(workspace).length > 0) mkdirSync(join(workspace, FOLDER), { mode: 0o700 })
  } catch {
    // it exists, or it can't be written: appendToLog says so
  }
}

/** @returns a warning if the log can't be written */
export function writeLog(setup: Setup, by: Host, line: LogLine): Warning | undefined {
  const folder = join(setup.workspace, FOLDER)
  const { agentId } = setup.settings
  const all = { v: 1, ts: new Date().toISOString(), ...line, host: hostname(), agent: agentId, by }
  const refused = appendToLog(
    { folder, name: "sync-log", bytesMax: BYTES_MAX, keep: KEEP },
    oneLine({ ...all, warnings: line.warnings.map(({ code, message }) => `${code}: ${message}`) }),
  )
  // a workspace that is empty has no folder for it
  if (refused === undefined || refused === "ENOENT") return undefined
  return {
    code: "log-not-written",
    message: `${join(folder, "sync-log.jsonl")} was not written: ${refused}`,
    hint: `${FOLDER} must be a folder and not a link, and the log a file of its own`,
  }
}

/** Long parts go first: a line of more than one write could be torn by another program's. */
function oneLine(line: Omit<LogLine, "warnings"> & { readonly warnings: readonly string[] }): string {
  const few = [`${line.warnings.length} warnings; holdfast agent status shows them`]
  const { problem } = line
  const shorter = {
    ...line,
    warnings: few,
    problem: problem && { ...problem, message: problem.message.slice(0, 400) },
  }
  const texts = [line, { ...line, warnings: few }, shorter, { ...shorter, triggers: [], problem: undefined }]
  const all = texts.map((each) => JSON.stringify(each))
  return all.find((text) => Buffer.byteLength(text) < LINE_BYTES_MAX) ?? JSON.stringify({ v: 1, op: line.op })
}

export interface LoggedRun extends RunFound {
  readonly id: number
  readonly outcome: "created" | "unchanged" | "failed"
  readonly endedMs: number
}

/** Logs a backup; one that found nothing new at most once an hour. */
export function logRun(
  { setup, by }: RunContext,
  triggers: readonly string[],
  run: LoggedRun,
): Warning | undefined {
  const { id, outcome, snapshot, parent, flag, files, bytes, durationMs: ms, warnings, problem } = run
  if (outcome === "unchanged" && !isTimeToLog(setup, run.endedMs)) return undefined
  const found = { op: "backup", run: String(id), triggers, outcome, snapshot, parent, flag } as const
  return writeLog(setup, by, { ...found, files, bytes, ms, warnings, problem })
}

function isTimeToLog(setup: Setup, nowMs: number): boolean {
  return withRecord(setup, (record) => {
    const last = Number(record.fact("logged-unchanged") ?? -Infinity)
    if (nowMs - last < UNCHANGED_EVERY_MS && last <= nowMs) return false
    record.setFact("logged-unchanged", String(nowMs))
    return true
  })
}
