/**
 * How a host starts the program: by absolute paths of this machine. No host gets a name to look up, which anybody
 * could register, and no `npx`. Hosts pass few variables on, so the places that are set now go along; never a secret.
 */
import { realpathSync } from "node:fs"
import { isAbsolute, resolve } from "node:path"
import { AgentProblem } from "../problem.ts"

export const HOSTS = ["claude", "codex", "gemini", "json"] as const

export type HostName = (typeof HOSTS)[number]

export interface Launch {
  /** Absolute path of the Node that runs now. */
  readonly node: string
  /** Absolute path of the program's main file. */
  readonly script: string
  readonly workspace: string | undefined
  /** Only places. */
  readonly environment: Readonly<Record<string, string>>
}

export interface LaunchRequest {
  readonly workspace: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly node: string
  readonly script: string
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

/** Folders of copies that npm and hosts delete again. */
const COPIES = /[/\\](_npx|openclaw-(plugin|model-catalog)-[^/\\]*|plugin-captures)[/\\]/

/** @throws AgentProblem if the program runs from a copy that will be deleted */
export function launchOf({ workspace, environment, node, script }: LaunchRequest): Launch {
  const real = realpathSync(script)
  if (COPIES.test(real))
    throw new AgentProblem(
      "temporary-program",
      `${real} is in a temporary copy, which will be deleted`,
      "Install holdfast (README, Install) and run this command with the installed `holdfast`",
    )
  const places = PLACES.flatMap((name): [string, string][] => {
    const value = environment[name]
    if (value === undefined || value === "") return []
    // the XDG standard ignores a relative path
    if (name.startsWith("XDG_") && !isAbsolute(value)) return []
    return [[name, resolve(value)]]
  })
  return {
    node,
    script: real,
    workspace: workspace === undefined ? undefined : resolve(workspace),
    environment: Object.fromEntries(places),
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
