/**
 * What the four schedulers have in common: the service of one job as something that can be read, written and
 * removed, and the small tools for that.
 */
import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { errnoOf } from "../../../engine/base/errno.ts"
import { showText } from "../../../engine/base/show.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import type { Environment, Scheduler } from "./job.ts"

export interface ServiceState {
  readonly enabled: boolean
  /** null: cron starts a run each time, or the service manager itself is not running. */
  readonly running: boolean | null
}

export interface Service {
  readonly with: Scheduler
  /** The file, or "crontab of USER". */
  readonly where: string
  /** What `write` puts there. */
  readonly text: string
  /** Commands that `write` and `remove` run, to be shown before. */
  readonly start: readonly (readonly string[])[]
  readonly stop: readonly (readonly string[])[]
  readonly warnings: readonly Warning[]
  /** @throws AgentProblem if it can't be installed on this machine */
  check(): Promise<void>
  /** What is there now; undefined if nothing is. */
  found(): Promise<string | undefined>
  write(): Promise<void>
  remove(): Promise<void>
  state(): Promise<ServiceState>
}

export interface Ran {
  /** 127 if the program does not exist. */
  readonly code: number
  readonly out: Buffer
  readonly error: string
}

export interface Machine {
  readonly platform: NodeJS.Platform
  readonly environment: Environment
  run(words: readonly string[], input?: Buffer): Promise<Ran>
}

const PATIENCE_MS = 60_000
const OUTPUT_BYTES = 16 * 1024 * 1024

/** This machine. Programs report in English: `crontab -l` says only in words that there is no crontab. */
export function thisMachine(environment: Environment): Machine {
  const env = { ...environment, LC_ALL: "C", SYSTEMD_PAGER: "" }
  return {
    platform: process.platform,
    environment,
    run: async ([program = "", ...words], input = Buffer.alloc(0)) =>
      await new Promise((resolve) => {
        const options = { env, encoding: "buffer", timeout: PATIENCE_MS, maxBuffer: OUTPUT_BYTES } as const
        const child = execFile(program, words, options, (error, out, err) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : 127
          resolve({ code, out, error: err.toString("utf8").trim() })
        })
        // it may have ended without reading
        child.stdin?.on("error", () => undefined)
        child.stdin?.end(input)
      }),
  }
}

/** @throws AgentProblem with the first line that the program reported */
export async function mustRun(machine: Machine, words: readonly string[], input?: Buffer): Promise<Buffer> {
  const { code, out, error } = await machine.run(words, input)
  if (code === 0) return out
  const [line = ""] = error.split("\n")
  const said = line === "" ? `exit code ${code}` : showText(line)
  throw new AgentProblem("scheduler-failed", `${words.join(" ")}: ${said}`, "Run `holdfast schedule status`")
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** Readable by others, as systemd and launchd want it. A power cut leaves the old file or the new one. */
export function writeText(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, content, { flag: "wx", flush: true })
    chmodSync(temporary, 0o644)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

export function removeText(path: string): void {
  rmSync(path, { force: true })
}
