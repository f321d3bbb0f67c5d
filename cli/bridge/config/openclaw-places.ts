/**
 * Where OpenClaw keeps its state and the workspaces of its agents, from its environment and its `openclaw.json`
 * (JSON5). Read only; a configuration that can't be read counts as an empty one.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"

export type Environment = Readonly<Record<string, string | undefined>>

export interface OpenClawAgent {
  readonly id: string
  /** Absolute; need not exist. */
  readonly workspace: string
  /** Set if it is elsewhere than in `agents/ID/agent` of the state folder. */
  readonly agentDir: string | undefined
}

export interface OpenClawPlaces {
  readonly stateDir: string
  /** The default agent's first. */
  readonly agents: readonly OpenClawAgent[]
}

interface Entry {
  readonly workspace?: unknown
  readonly agentDir?: unknown
  readonly default?: unknown
}

interface Parsed {
  readonly agents?: {
    readonly defaults?: { readonly workspace?: unknown }
    readonly entries?: Readonly<Record<string, Entry>>
    /** The form of earlier versions. */
    readonly list?: readonly (Entry & { readonly id?: unknown })[]
  }
  readonly meta?: { readonly lastTouchedVersion?: unknown }
  readonly secrets?: { readonly providers?: Readonly<Record<string, unknown>> }
}

const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

export function userHome(environment: Environment): string {
  return environment["HOME"] || homedir()
}

/** `~/…` becomes a path below the home. */
export function expandHome(path: string, environment: Environment): string {
  return path === "~" || path.startsWith("~/") ? join(userHome(environment), path.slice(2)) : path
}

export function openclawStateDir(environment: Environment): string {
  const set = environment["OPENCLAW_STATE_DIR"]
  if (set) return resolve(expandHome(set, environment))
  const profile = environment["OPENCLAW_PROFILE"]
  const name = profile && profile !== "default" ? `.openclaw-${profile}` : ".openclaw"
  return join(userHome(environment), name)
}

/** Undefined if there is no state folder of OpenClaw. */
export async function findOpenClaw(environment: Environment): Promise<OpenClawPlaces | undefined> {
  const stateDir = openclawStateDir(environment)
  if (!existsSync(stateDir) && !environment["OPENCLAW_WORKSPACE_DIR"]) return undefined
  const config = await readOpenClawConfig(environment)
  return { stateDir, agents: agentsOf(config, stateDir, environment) }
}

/** Whether OpenClaw has been set up on this machine. */
export function isOnboarded(environment: Environment): boolean {
  return existsSync(configPathOf(environment))
}

function configPathOf(environment: Environment): string {
  const set = environment["OPENCLAW_CONFIG_PATH"] || join(openclawStateDir(environment), "openclaw.json")
  return expandHome(set, environment)
}

export async function readOpenClawConfig(environment: Environment): Promise<Parsed> {
  let text: string
  try {
    text = readFileSync(configPathOf(environment), "utf8")
  } catch {
    return {}
  }
  try {
    const { default: json5 } = await import("json5")
    const value: unknown = json5.parse(text)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** docs/concepts/agent-workspace.md, "Default location". */
function agentsOf({ agents }: Parsed, stateDir: string, environment: Environment): OpenClawAgent[] {
  const path = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? resolve(expandHome(value, environment)) : undefined
  const shared = path(agents?.defaults?.workspace)
  const fallback = shared ?? path(environment["OPENCLAW_WORKSPACE_DIR"]) ?? join(stateDir, "workspace")
  const listed = (agents?.list ?? []).map((entry) => [String(entry.id), entry] as const)
  const entries = [...Object.entries(agents?.entries ?? {}), ...listed].filter(([id]) => AGENT_ID.test(id))
  if (entries.length === 0) return [{ id: "main", workspace: fallback, agentDir: undefined }]
  const isSole = entries.length === 1
  const own = (id: string): string =>
    shared === undefined ? join(stateDir, `workspace-${id}`) : join(shared, id)
  return entries
    .map(([id, entry]) => ({
      id,
      workspace: path(entry.workspace) ?? (isSole ? fallback : own(id)),
      agentDir: elsewhere(path(entry.agentDir), join(stateDir, "agents", id, "agent")),
      isDefault: entry.default === true || id === "main",
    }))
    .toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault))
    .map(({ id, workspace, agentDir }) => ({ id, workspace, agentDir }))
}

function elsewhere(path: string | undefined, usual: string): string | undefined {
  if (path === undefined || path === usual) return undefined
  const real = realPath(path)
  return real !== undefined && real === realPath(usual) ? undefined : path
}

/** The agent whose workspace this is. */
export function agentAt(places: OpenClawPlaces, workspace: string): OpenClawAgent | undefined {
  return places.agents.find((agent) => realPath(agent.workspace) === workspace)
}

export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Resolves links as far as the folders exist. */
export function realPlace(path: string): string {
  const parent = dirname(path)
  return realPath(path) ?? (parent === path ? path : join(realPlace(parent), basename(path)))
}
