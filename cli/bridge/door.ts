/**
 * What a host's plugin imports as `holdfast/bridge`: the agent, and the texts and schemas of its tools. The command
 * line and the MCP server load each of these by itself.
 */
import * as z from "zod"
import type { ToolName } from "./results.ts"
import { TOOL_SCHEMAS } from "./schemas.ts"

export type { Agent, AgentRequest, NowCall, RestoreCall, SyncProgress } from "./agent.ts"
export { openAgent } from "./agent.ts"
export { AgentProblem } from "./problem.ts"
export type * from "./results.ts"
export type { HostSecrets, Settings } from "./setup.ts"
export { TOOL_SCHEMAS } from "./schemas.ts"
export {
  codeOf,
  sayDiff,
  sayFailure,
  sayHistory,
  sayNow,
  sayRead,
  sayRestore,
  sayStatus,
} from "./tools/say.ts"
export { EXTRA_TOOLS, MAIN_TOOLS, TOOLS } from "./tools/tool-table.ts"

export interface ToolJsonSchemas {
  readonly input: Readonly<Record<string, unknown>>
  readonly output: Readonly<Record<string, unknown>>
}

/** The schemas of a tool as JSON Schema, for a host that has no zod. */
export function toolJsonSchemas(name: ToolName): ToolJsonSchemas {
  const { input, output } = TOOL_SCHEMAS[name]
  return { input: z.toJSONSchema(input, { io: "input" }), output: z.toJSONSchema(output) }
}
