/** The workspace that `agent init` is for: named, configured, or the only one of a host on this machine. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { openHome, type Home } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import { problemOf } from "./approve.ts"
import { CONFIG_NAME } from "./config.ts"
import { findOpenClaw, realPath, type Environment } from "./openclaw-places.ts"
import { findWorkspace, hostWorkspaces } from "./places.ts"

export interface HostWorkspaceRequest {
  readonly workspace: string | undefined
  readonly agentId: string | undefined
  readonly cwd: string
  readonly environment: Environment
  readonly home?: Home | undefined
}

/** @returns its real path */
export async function findHostWorkspace(request: HostWorkspaceRequest): Promise<string> {
  const { workspace, agentId, cwd, environment } = request
  const home = request.home ?? openHome({ environment })
  if (workspace === undefined && agentId !== undefined) {
    const agent = (await findOpenClaw(environment))?.agents.find(({ id }) => id === agentId)
    const place = agent === undefined ? undefined : realPath(agent.workspace)
    if (place !== undefined) return place
  }
  const found = await findWorkspace({ workspace, cwd, environment, home })
  if (typeof found === "string") return found
  if (workspace !== undefined) throw problemOf(found.problem)
  const roots = [...new Set(await hostWorkspaces(environment))]
  const [only, another] = roots.filter((root) => !existsSync(join(root, CONFIG_NAME)))
  if (only !== undefined && another === undefined) return only
  const listed = roots.length === 0 ? "" : `. Found here: ${roots.join(", ")}`
  throw new AgentProblem(
    "no-workspace",
    `which workspace should be protected?${listed}`,
    "use --workspace DIR",
  )
}
