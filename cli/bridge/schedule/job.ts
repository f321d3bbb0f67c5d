/**
 * What a scheduler has to run for one agent: which program with which words, under which name and with which
 * environment. The texts that systemd, cron, launchd and the Task Scheduler read are made from it. It never holds a
 * secret: of the environment only places are carried. spec/agent.md.
 */
import { createHash } from "node:crypto"
import { resolve } from "node:path"
import { placesIn, type Program } from "../config/program-copies.ts"
import { AgentProblem } from "../problem.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export const SCHEDULERS = ["systemd", "cron", "launchd", "task-scheduler"] as const

export type Scheduler = (typeof SCHEDULERS)[number]

export interface Job {
  /** Name of the unit, the label or the task: "holdfast-agent-nero-1f2e3d4c". */
  readonly name: string
  /** Absolute. */
  readonly workspace: string
  readonly program: Program
  /** Only places. */
  readonly environment: Readonly<Record<string, string>>
  readonly intervalMinutes: number
}

export interface JobRequest {
  readonly workspace: string
  readonly program: Program
  readonly environment: Environment
  readonly intervalMinutes: number
}

export function jobOf({ workspace, program, environment, intervalMinutes }: JobRequest): Job {
  for (const path of [workspace, program.node, program.script]) refuseText(path)
  const carried = carriedOf(environment)
  for (const path of Object.values(carried)) refuseText(path)
  return { name: jobName(workspace), workspace, program, environment: carried, intervalMinutes }
}

const SLUG_CHARACTERS = 24
const DIGITS = 8

/** Readable, and different for two workspaces whose folders have the same name. */
export function jobName(workspace: string): string {
  const folder = workspace.split(/[/\\]/).findLast((part) => part !== "") ?? ""
  const slug = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, SLUG_CHARACTERS)
    .replace(/^-|-$/g, "")
  const digits = createHash("sha256").update(workspace).digest("hex").slice(0, DIGITS)
  return ["holdfast-agent", slug, digits].filter((part) => part !== "").join("-")
}

/** Without these, a service would look for the home at the usual places. */
const PLACES = ["HOLDFAST_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"]

function carriedOf(environment: Environment): Record<string, string> {
  const home = environment["HOLDFAST_HOME"]
  if (home !== undefined && home !== "") return { HOLDFAST_HOME: resolve(home) }
  return placesIn(environment, PLACES)
}

/** A line break can't be written in a crontab. XML has no form for a control character. */
function refuseText(path: string): void {
  // eslint-disable-next-line no-control-regex
  if (!/[\x00-\x1f\x7f]/.test(path) && path.isWellFormed()) return
  const message = `${JSON.stringify(path)} can't be written into a schedule: its name has a control character`
  throw new AgentProblem("unusable-path", message, "Rename the folder")
}

/** The words after the program: a service keeps the interval itself, a cron line backs up once. */
export function wordsOf(job: Job, kind: "service" | "once"): string[] {
  const verb = kind === "service" ? ["agent", "run"] : ["agent", "sync", "--quiet", "--trigger", "cron"]
  return [job.program.script, ...verb, "--workspace", job.workspace]
}
