/** `agent remove`: ends the protection on this machine. The repository and the user's files stay. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { isFileLocked } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"

const LOCKS = ["run.lock", "timer.lock"]

export interface Removed {
  readonly workspace: string
  readonly stateFolder: string
}

/** @throws AgentProblem if a backup, or whoever keeps the interval, is still at work */
export function removeState({ workspace, stateFolder }: Removed): void {
  for (const lock of LOCKS) {
    if (!isFileLocked(join(stateFolder, lock))) continue
    const what = lock === "run.lock" ? "a backup or restore is running" : "a process still keeps the interval"
    throw new AgentProblem("busy", `${what} for ${workspace}`, "stop it, then run the command again")
  }
  rmSync(stateFolder, { recursive: true, force: true })
}
