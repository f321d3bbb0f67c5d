/**
 * Whether the host's program is stopped, before its databases and its own folder are restored over: nobody has one of
 * the databases open, and no gateway has the host's lock.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { databaseIsHeld } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { Setup } from "../setup.ts"
import { isDatabase } from "./databases.ts"
import { textOf } from "./plan.ts"
import type { Plan } from "./plans.ts"

/**
 * @returns whether a database was opened: SQLite may have tidied its files, so the plan is made again
 * @throws AgentProblem "program-running"
 */
export function requireStopped({ roots, settings }: Setup, { parts }: Plan): boolean {
  const isOpenClaw = settings.profile.startsWith("openclaw-")
  const stop = isOpenClaw
    ? "stop the gateway first: openclaw gateway stop"
    : "stop the program that uses it first, then restore again"
  const state = roots.find(({ name }) => name === "state")
  const changesState = parts.some(
    ({ name, files, removals }) => name === "state" && files.length + removals.length > 0,
  )
  const pid = isOpenClaw && changesState && state !== undefined ? gatewayPid(state.path) : undefined
  if (pid !== undefined)
    throw new AgentProblem("program-running", `the OpenClaw gateway is running (process ${pid})`, stop)
  let isOpened = false
  for (const { root, files } of parts)
    for (const { path, old } of files) {
      if (old?.type !== "file" || !isDatabase({ path, type: "file" })) continue
      const file = textOf(`${root}/${path}`)
      isOpened = true
      if (databaseIsHeld(file))
        throw new AgentProblem("program-running", `${file} is in use by another program`, stop)
    }
  return isOpened
}

/** `docs/gateway/gateway-lock.md` of OpenClaw: lock files with the owner's process in the state folder. */
function gatewayPid(stateDir: string): number | undefined {
  const folder = join(
    stateDir,
    "tmp",
    process.getuid === undefined ? "openclaw" : `openclaw-${process.getuid()}`,
  )
  for (const name of namesIn(folder)) {
    if (!/^gateway\..*\.lock$/.test(name)) continue
    const pid = ownerOf(join(folder, name))
    if (pid !== undefined && isHost(pid)) return pid
  }
  return undefined
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function ownerOf(file: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(file, "utf8")) as { pid?: unknown }
    return typeof pid === "number" && Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** A lock file outlives a killed gateway, and its number may be another process's by now. */
function isHost(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("openclaw")
  } catch {
    return true // not Linux: the lock counts
  }
}
