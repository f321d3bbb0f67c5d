/**
 * How a host starts the program: by absolute paths of this machine. No host gets a name to look up, which anybody
 * could register, and no `npx`. Hosts pass few variables on, so the places that are set now go along; never a secret.
 */
import { realpathSync } from "node:fs"
import { resolve } from "node:path"
import { placesIn, type Program, refuseTemporary } from "../config/program-copies.ts"

export const HOSTS = ["claude", "codex", "gemini", "json"] as const

export type HostName = (typeof HOSTS)[number]

export interface Launch extends Program {
  readonly workspace: string | undefined
  /** Only places. */
  readonly environment: Readonly<Record<string, string>>
}

export interface LaunchRequest extends Program {
  readonly workspace: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Without these a server would look for the home, or for the host's files, at the usual places. */
const PLACES = [
  "HOLDFAST_HOME",
  "XDG_DATA_HOME",
  "XDG_CACHE_HOME",
  "CLAUDE_CONFIG_DIR",
  "CODEX_HOME",
  "OPENCLAW_STATE_DIR",
]

/** @throws AgentProblem if the program runs from a copy that will be deleted */
export function launchOf({ workspace, environment, node, script }: LaunchRequest): Launch {
  refuseTemporary({ node, script })
  return {
    node,
    script: realpathSync(script),
    workspace: workspace === undefined ? undefined : resolve(workspace),
    environment: placesIn(environment, PLACES),
  }
}

/** The words after the program's main file. */
export function wordsOf({ workspace }: Launch, words: readonly string[]): string[] {
  return [...words, ...(workspace === undefined ? [] : ["--workspace", workspace])]
}

export interface ServerEntry {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export function serverOf(launch: Launch): ServerEntry {
  const { node, script, environment } = launch
  const args = [script, ...wordsOf(launch, ["mcp"])]
  return { command: node, args, ...(Object.keys(environment).length === 0 ? {} : { env: environment }) }
}

/** What a person adds to the host's own configuration, who wants no plugin. */
export function configText(host: HostName, launch: Launch): string {
  const server = serverOf(launch)
  if (host !== "codex") return JSON.stringify({ mcpServers: { holdfast: server } }, undefined, 2)
  // TOML's basic strings are JSON's
  const pairs = Object.entries(server.env ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  return [
    "[mcp_servers.holdfast]",
    `command = ${JSON.stringify(server.command)}`,
    `args = [${server.args.map((word) => JSON.stringify(word)).join(", ")}]`,
    ...(pairs.length === 0 ? [] : ["", "[mcp_servers.holdfast.env]", ...pairs]),
  ].join("\n")
}
