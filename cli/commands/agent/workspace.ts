/**
 * What the verbs of agents read from their flags: the workspace, or the one that the bridge finds from the current
 * folder, and the reference to credentials as it is kept.
 */
import { openHome, type Home } from "../../../engine/index.ts"
import { absoluteReference } from "../../bridge/config/config.ts"
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

/** `--credentials`, else HOLDFAST_CREDENTIALS. */
export function givenCredentials({ options, environment }: Call): string | undefined {
  const typed = options.text("credentials") ?? (environment["HOLDFAST_CREDENTIALS"] || undefined)
  return typed === undefined ? undefined : absoluteReference(typed)
}
