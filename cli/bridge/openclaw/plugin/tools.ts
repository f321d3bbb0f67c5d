/**
 * The tools for the model, and for `/tools/invoke`. The host does not check parameters, so the bridge's schemas do it
 * here. A restore is written in place only for a proven owner; everybody else gets a plan, and the operator a command.
 * `tools.json` is made by pack.ts from those schemas, so that registering needs no part of the bridge.
 */
import { readFileSync } from "node:fs"
import type { Agent, RestoreInput, SyncNow, SyncRestore, ToolName } from "holdfast/bridge"
import { loadBridge, type AgentPlace, type Agents } from "./agents.ts"
import type { HostApi, Tool, ToolContext, ToolResult } from "./host-api.ts"
import type { Armed } from "./armed.ts"

interface ToolShape {
  readonly name: ToolName
  readonly label: string
  readonly description: string
  readonly parameters: object
  readonly outputSchema: object
  readonly isExtra: boolean
}

interface Call {
  readonly name: ToolName
  readonly context: ToolContext
  readonly place: AgentPlace
  readonly parameters: unknown
  readonly signal: AbortSignal | undefined
}

const EXECUTION_MS_MAX = 600_000

export function registerTools(api: HostApi, agents: Agents, armed: Armed): void {
  const shapes = JSON.parse(readFileSync(new URL("tools.json", import.meta.url), "utf8")) as ToolShape[]
  for (const { isExtra, ...shape } of shapes) {
    const { name } = shape
    api.registerTool(
      (context): Tool | null => {
        const place = placeOf(agents, context)
        if (isExtra && agents.known(place)?.extraTools !== true) return null
        return {
          ...shape,
          catalogMode: "direct-only",
          getExecutionTimeoutMs: () => EXECUTION_MS_MAX,
          execute: (_id, parameters, signal) => run({ name, context, place, parameters, signal }),
        }
      },
      { name },
    )
  }

  async function run(call: Call): Promise<ToolResult> {
    const { TOOL_SCHEMAS } = await loadBridge()
    const parsed = TOOL_SCHEMAS[call.name].input.safeParse(call.parameters ?? {})
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new Error(`${issue?.path.join(".") || call.name}: ${issue?.message ?? "is not valid"}`)
    }
    try {
      return await answer(await agents.open(call.place), call, parsed.data)
    } catch (error) {
      throw await readable(error)
    }
  }

  async function answer(agent: Agent, call: Call, input: object): Promise<ToolResult> {
    const say = await loadBridge()
    const { context, signal } = call
    const calling = signal === undefined ? {} : { signal }
    switch (call.name) {
      case "sync_status": {
        const status = await agent.status(input)
        return result(say.sayStatus(status), status)
      }
      case "sync_now": {
        if (armed.has(context.sessionKey)) return result(say.sayNow(atEndOfTurn()), atEndOfTurn())
        const now = await agent.now(input, { trigger: "manual", ...calling })
        return result(say.sayNow(now), now)
      }
      case "sync_restore": {
        const mayWrite = context.senderIsOwner === true && context.sandboxed !== true
        context.assertInvocationCurrent?.()
        const restore = await agent.restore(input as RestoreInput, { mayWrite, ...calling })
        const told = mayWrite ? restore : withCommand(restore, input as RestoreInput)
        return result(say.sayRestore(told), told)
      }
      case "sync_history": {
        const history = await agent.history(input)
        return result(say.sayHistory(history), history)
      }
      case "sync_diff": {
        const diff = await agent.diff(input as Parameters<Agent["diff"]>[0])
        return result(say.sayDiff(diff), diff)
      }
      case "sync_read": {
        const read = await agent.read(input as Parameters<Agent["read"]>[0])
        return result(say.sayRead(read), read)
      }
    }
  }
}

/** A sandboxed session sees a copy of the workspace; the backup is of the workspace itself. */
function placeOf(agents: Agents, { agentId, workspaceDir, sandboxed }: ToolContext): AgentPlace {
  const place = agents.place(agentId)
  return workspaceDir === undefined || sandboxed === true ? place : { ...place, workspace: workspaceDir }
}

function result(text: string, details: object): ToolResult {
  return { content: [{ type: "text", text }], details }
}

/** The message is what the model works with, so the hint is in it. */
async function readable(error: unknown): Promise<Error> {
  const { sayFailure } = await loadBridge()
  return new Error(sayFailure(error))
}

function atEndOfTurn(): SyncNow {
  return {
    v: 1,
    outcome: "queued",
    snapshot: null,
    time: new Date().toISOString(),
    parent: null,
    flag: null,
    files: { new: 0, changed: 0, removed: 0, unchanged: 0 },
    bytes: { scanned: 0, new: 0, uploaded: 0 },
    durationMs: 0,
    warnings: [],
  }
}

/** What the operator types to carry the plan out. */
function withCommand(restore: SyncRestore, { paths }: RestoreInput): SyncRestore {
  if (restore.outcome === "restored" || restore.outcome === "unchanged") return restore
  const words = (paths ?? []).map((path) => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path)))
  return { ...restore, command: ["/sync_restore", restore.timestamp, ...words].join(" ") }
}
