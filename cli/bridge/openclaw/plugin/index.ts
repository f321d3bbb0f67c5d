/**
 * Session Sync Cloud: encrypted, versioned backups of an OpenClaw agent's memory. This folder only connects the host
 * with the bridge of the `holdfast` package, which the plugin's archive carries; the engine is there.
 *
 * The host calls `register` several times in one process, and for its own commands too, so nothing here opens a file,
 * a socket or a timer before the service starts or somebody calls.
 */
import { definePluginEntry, type PluginEntry } from "openclaw/plugin-sdk/plugin-entry"
import { createAgents } from "./agents.ts"
import { registerAudit } from "./audit.ts"
import { registerOperator } from "./operator.ts"
import { registerPage } from "./page.ts"
import { registerService } from "./service.ts"
import { registerTools } from "./tools.ts"
import { registerTriggers } from "./triggers.ts"

const plugin: PluginEntry = definePluginEntry({
  id: "session-sync-cloud",
  name: "Session Sync Cloud",
  description: "Encrypted, versioned backups of the agent's memory, restored with one call",
  register(api) {
    const agents = createAgents(api)
    const armed = registerTriggers(api, agents)
    registerTools(api, agents, armed)
    registerService(api, agents, armed)
    registerOperator(api, agents)
    registerPage(api, agents)
    registerAudit(api, agents)
  },
})

export { plugin as default }
