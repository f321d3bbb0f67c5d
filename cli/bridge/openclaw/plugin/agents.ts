/**
 * The agents of this gateway: which workspace belongs to which agent, one opened bridge per workspace, and the last
 * known settings. The bridge is loaded at the first use, since the host registers a plugin for every one of its own
 * commands.
 */
import { readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { argv, env } from "node:process"
import type { Agent, Settings, Warning } from "holdfast/bridge"
import type { HostApi, HostConfig } from "./host-api.ts"

export interface AgentPlace {
  readonly agentId: string
  readonly workspace: string
}

export interface Agents {
  /** One for each workspace; the default agent's first. */
  all(config?: HostConfig): readonly AgentPlace[]
  /** Undefined: the default agent. */
  place(agentId: string | undefined, config?: HostConfig): AgentPlace
  open(place: AgentPlace): Promise<Agent>
  /** The settings at the last look, since hooks and tool factories can't wait. */
  known(place: AgentPlace): Settings | undefined
  refresh(place: AgentPlace): Promise<Settings | undefined>
}

export type Bridge = typeof import("holdfast/bridge")

const DEFAULT_AGENT = "main"

/** Shared by the two copies of this module that a gateway has, and by their successors after a hot reload. */
const KNOWN = Symbol.for("holdfast.session-sync-cloud.settings")

export function loadBridge(): Promise<Bridge> {
  return import("holdfast/bridge")
}

export function createAgents(api: HostApi): Agents {
  const opened = new Map<string, Promise<Agent>>()
  const all = globalThis as { [key: symbol]: Map<string, Settings | undefined> | undefined }
  const settings = (all[KNOWN] ??= new Map())
  const workspaceOf = (agentId: string, config: HostConfig): string =>
    api.runtime.agent.resolveAgentWorkspaceDir(config, agentId)

  function place(agentId: string | undefined, config: HostConfig = api.runtime.config.current()): AgentPlace {
    const id = agentId ?? idsOf(config)[0] ?? DEFAULT_AGENT
    return { agentId: id, workspace: workspaceOf(id, config) }
  }

  function open({ agentId, workspace }: AgentPlace): Promise<Agent> {
    const known = opened.get(workspace)
    if (known !== undefined) return known
    const opening = openHere(agentId, workspace)
    opened.set(workspace, opening)
    opening.catch(() => opened.delete(workspace))
    return opening
  }

  async function openHere(agentId: string, workspace: string): Promise<Agent> {
    const { openAgent } = await loadBridge()
    return await openAgent({
      workspace,
      cwd: workspace,
      environment: env,
      host: "plugin",
      hostSecrets: secretsOf(api.pluginConfig ?? {}, agentId),
      hostPackage: hostPackage(),
      notify: (notice) => tell(api, { agentId, workspace }, notice),
    })
  }

  return {
    all(config = api.runtime.config.current()) {
      const places = idsOf(config).map((id) => place(id, config))
      return places.filter(
        ({ workspace }, index) => places.findIndex((one) => one.workspace === workspace) === index,
      )
    },
    place,
    open,
    known: ({ workspace }) => settings.get(workspace),
    async refresh(one) {
      const found = await (await open(one)).settings()
      settings.set(one.workspace, found)
      return found
    },
  }
}

function idsOf({ agents }: HostConfig): string[] {
  const entries = Object.entries(agents?.entries ?? {})
  if (entries.length === 0) return [DEFAULT_AGENT]
  const rank = ([id, entry]: (typeof entries)[number]): number =>
    Number(entry.default === true) * 2 + Number(id === DEFAULT_AGENT)
  return entries.toSorted((a, b) => rank(b) - rank(a)).map(([id]) => id)
}

/** The plugin's own configuration: its secrets for all agents, and those of single agents below `agents`. */
function secretsOf(
  config: Readonly<Record<string, unknown>>,
  agentId: string,
): {
  readonly keyId: string | undefined
  readonly secretKey: string | undefined
  readonly encryptionKey: string | undefined
} {
  const agents = config["agents"]
  const own = isRecord(agents) ? agents[agentId] : undefined
  const field = (name: string): string | undefined => {
    const value = (isRecord(own) ? own[name] : undefined) ?? config[name]
    return typeof value === "string" && value !== "" ? value : undefined
  }
  return {
    keyId: field("key_id"),
    secretKey: field("secret_key"),
    encryptionKey: field("encryption_key"),
  }
}

/** The root of the host's own package, which has the templates of a fresh workspace. */
function hostPackage(): string | undefined {
  try {
    let folder = realpathSync(argv[1] ?? "")
    while (folder !== dirname(folder)) {
      folder = dirname(folder)
      if (isHostPackage(join(folder, "package.json"))) return folder
    }
  } catch {
    // Without it no file counts as a template.
  }
  return undefined
}

function isHostPackage(manifest: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly name?: unknown }
    return name === "openclaw"
  } catch {
    return false
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}

/** A notice for a person: the host shows it in the agent's main conversation. The bridge sends at most one a day. */
function tell(api: HostApi, { agentId }: AgentPlace, { message, hint }: Warning): void {
  const text = `Backup: ${message}${hint === undefined ? "" : `. ${hint}`}`
  const accepted = api.runtime.system.enqueueSystemEvent(text, {
    sessionKey: `agent:${agentId}:main`,
    agentId,
  })
  if (!accepted) throw new Error("the host did not take the notice")
}
