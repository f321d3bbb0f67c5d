/** The workspace of an agent verb: `--workspace`, or the one that the bridge finds from the current folder. */
import { openHome, type Home } from "../../../engine/index.ts"
import { findWorkspace } from "../../bridge/config/places.ts"
import { problemOf } from "../../bridge/config/approve.ts"
import type { Call } from "../../verbs/call.ts"

export interface AgentPlace {
  readonly workspace: string
  readonly home: Home
}

/** @throws AgentProblem if there is none */
export async function agentPlace({ options, environment }: Call): Promise<AgentPlace> {
  const home = openHome({ environment })
  const workspace = options.text("workspace")
  const found = await findWorkspace({ workspace, cwd: process.cwd(), environment, home })
  if (typeof found !== "string") throw problemOf(found.problem)
  return { workspace: found, home }
}
