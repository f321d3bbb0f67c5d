/**
 * The tools of the server: each checks its arguments by the schemas, calls the agent, and answers with the structured
 * result and its text. A failure is an answer too, with isError, since the model reads an answer and can act on it;
 * it never sees an error of the protocol.
 */
import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from "@modelcontextprotocol/server"
import type { Agent } from "../agent.ts"
import type {
  DiffInput,
  HistoryInput,
  NowInput,
  ReadInput,
  RestoreInput,
  StatusInput,
  ToolName,
} from "../results.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import { progressOf, type Calls } from "./calls.ts"
import { createRestoreTool } from "./restore-tool.ts"
import {
  codeOf,
  sayDiff,
  sayFailure,
  sayHistory,
  sayNow,
  sayRead,
  sayRestore,
  sayStatus,
} from "../tools/say.ts"
import { EXTRA_TOOLS, MAIN_TOOLS, TOOLS } from "../tools/tool-table.ts"

export interface ToolsRequest {
  readonly server: McpServer
  readonly agent: Agent
  readonly calls: Calls
  readonly extra: boolean
}

/** Claude Code hides a server's tools behind a search unless they say this; nobody searches for a backup. */
const SHOWN = { "anthropic/alwaysLoad": true }

/** A tool after its arguments were checked. */
type Work = (input: never, context: ServerContext) => Promise<CallToolResult | InputRequiredResult>

export function registerTools(request: ToolsRequest): void {
  const { server, extra } = request
  const works = worksOf(request)
  for (const name of extra ? [...MAIN_TOOLS, ...EXTRA_TOOLS] : MAIN_TOOLS) {
    const { title, description, annotations } = TOOLS[name]
    const { input: inputSchema, output: outputSchema } = TOOL_SCHEMAS[name]
    server.registerTool(
      name,
      {
        title,
        description,
        inputSchema,
        outputSchema,
        annotations: { title, ...annotations },
        ...(MAIN_TOOLS.includes(name) ? { _meta: SHOWN } : {}),
      },
      async (input, context) => {
        try {
          // the server has checked the input by the schema of this tool
          return await works[name](input as never, context)
        } catch (error) {
          return failed(error)
        }
      },
    )
  }
}

function worksOf({ server, agent, calls }: ToolsRequest): Record<ToolName, Work> {
  return {
    sync_status: async (input: StatusInput) => answer(await agent.status(input), sayStatus),
    sync_now: async (input: NowInput, context) => {
      const progress = progressOf(context)
      const now = calls.run(context, (signal) =>
        agent.now(input, {
          signal,
          ...(progress === undefined ? {} : { progress }),
        }),
      )
      return answer(await now, sayNow)
    },
    sync_restore: createRestoreTool({
      agent,
      calls,
      canAsk: (context) => canAsk(server, context),
      answer: (result, note) => answer(result, (one) => [note, sayRestore(one)].filter(Boolean).join("\n")),
    }) as (input: RestoreInput, context: ServerContext) => Promise<CallToolResult | InputRequiredResult>,
    sync_history: async (input: HistoryInput) => answer(await agent.history(input), sayHistory),
    sync_diff: async (input: DiffInput) => answer(await agent.diff(input), sayDiff),
    sync_read: async (input: ReadInput) => answer(await agent.read(input), sayRead),
  }
}

function answer<T extends object>(result: T, say: (result: T) => string): CallToolResult {
  return { content: [{ type: "text", text: say(result) }], structuredContent: { ...result } }
}

/** The code goes along for scripts; structured content would have to be a result. */
function failed(error: unknown): CallToolResult {
  const content = [{ type: "text" as const, text: sayFailure(error) }]
  return { content, isError: true, _meta: { "holdfast/problem": codeOf(error) } }
}

const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"

/**
 * Whether a question reaches a person. A client of the newer protocol says so with each request, an older one at the
 * start. An older one that says nothing of the kinds of questions takes forms.
 */
function canAsk(server: McpServer, context: ServerContext): boolean {
  const envelope: Readonly<Record<string, unknown>> = context.mcpReq.envelope ?? {}
  const capabilities = envelope[CAPABILITIES] ?? server.server.getClientCapabilities()
  if (typeof capabilities !== "object" || capabilities === null || !("elicitation" in capabilities))
    return false
  const { elicitation } = capabilities
  if (typeof elicitation !== "object" || elicitation === null) return false
  return "form" in elicitation || !("url" in elicitation)
}
