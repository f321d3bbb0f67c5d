/** Opens the agent of a command: by --workspace, or found from the current folder and the hosts on this machine. */
import { openAgent, type Agent } from "../../bridge/agent.ts"
import type { Host } from "../../bridge/setup.ts"
import type { Call } from "../../verbs/call.ts"

export async function agentOf({ options, environment }: Call, host: Host = "cli"): Promise<Agent> {
  return await openAgent({
    workspace: options.text("workspace"),
    cwd: process.cwd(),
    environment,
    host,
  })
}
