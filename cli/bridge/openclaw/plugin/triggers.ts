/**
 * The host's hooks. `/wrap_up` arms a session (armed.ts). The others only leave a wish, which the bridge debounces and
 * keeps over a restart: a hook has to return at once, and the host repeats none.
 */
import type { Agents } from "./agents.ts"
import { openArmed, type Armed } from "./armed.ts"
import type { HookContext, HostApi } from "./host-api.ts"

const DEFAULT_COMMANDS = ["wrap_up", "wrapup"]
const WRAP_UP = "wrap_up"

/** The hooks that leave a wish, with the setting that allows it. */
const WISHES = [
  { hook: "session_end", setting: "sessionEnd", trigger: "session_end" },
  { hook: "before_reset", setting: "beforeReset", trigger: "before_reset" },
  { hook: "before_compaction", setting: "compaction", trigger: "compaction" },
  { hook: "after_compaction", setting: "compaction", trigger: "compaction" },
] as const

export function registerTriggers(api: HostApi, agents: Agents): Armed {
  const { hooks } = api.config.plugins?.entries?.["session-sync-cloud"] ?? {}
  const armed = openArmed(hooks?.allowConversationAccess === true, (place) =>
    inBackground(api, async () => {
      await (await agents.open(place)).now({ reason: WRAP_UP }, { trigger: WRAP_UP })
    }),
  )

  api.on("message_received", (event, context) => {
    const command = slashCommand(event.content ?? "")
    const sessionKey = event.sessionKey ?? context.sessionKey
    if (command === undefined || sessionKey === undefined) return
    const place = agents.place(context.agentId ?? agentIdOf(sessionKey))
    const commands = agents.known(place)?.triggers.commands ?? DEFAULT_COMMANDS
    if (commands.map(plainName).includes(command)) armed.arm(sessionKey, place, event.runId ?? context.runId)
  })
  api.on("before_tool_call", ({ runId, toolCallId }, context) => {
    // a call at the tool door belongs to no turn, and its end is not reported
    if ((runId ?? context.runId) !== undefined) armed.toolBegins(context.sessionKey, toolCallId)
  })
  api.on("after_tool_call", ({ toolCallId }, context) => armed.toolEnds(context.sessionKey, toolCallId))
  api.on("agent_end", (event, { sessionKey, runId }) => armed.over(sessionKey, event.runId ?? runId))
  for (const { hook, setting, trigger } of WISHES)
    api.on(hook, (_event, context) =>
      inBackground(api, async () => {
        const place = agents.place(agentOf(context))
        const settings = await agents.refresh(place)
        if (settings?.triggers[setting] === true) (await agents.open(place)).want(trigger)
      }),
    )
  api.on("gateway_stop", ({ reason }) => {
    // a plugin that is replaced goes on in its next copy
    if (reason?.includes("replacement") === true) return
    for (const place of armed.drain()) inBackground(api, async () => (await agents.open(place)).want(WRAP_UP))
  })
  return armed
}

/** "/wrap_up notes", "/wrap-up", "/wrap_up@bot" and "/skill wrap-up" are all "wrap_up". */
function slashCommand(text: string): string | undefined {
  const name = /^\s*\/(?:skill\s+)?([\w-]+)/.exec(text)?.[1]
  return name === undefined ? undefined : plainName(name)
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("-", "_")
}

function agentOf({ agentId, sessionKey }: HookContext): string | undefined {
  return agentId ?? agentIdOf(sessionKey)
}

/** "agent:main:telegram:42" is a session of the agent "main". */
function agentIdOf(sessionKey: string | undefined): string | undefined {
  return /^agent:([^:]+):/.exec(sessionKey ?? "")?.[1]
}

/** A failure is in the bridge's own record too. */
export function inBackground(api: HostApi, work: () => Promise<void>): void {
  void work().catch((error: unknown) => {
    api.logger.warn(`session-sync-cloud: ${error instanceof Error ? error.message : String(error)}`)
  })
}
