/**
 * A restore on a machine where nothing is set up: which agents a repository has, the configuration that one of them
 * had, adapted to where the repository is now, and its approval. Nothing is written before a person has agreed.
 * commands/agent/new-machine.ts asks. spec/agent.md.
 */
import { createHash } from "node:crypto"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Writable } from "node:stream"
import {
  dump,
  entries,
  makePrivateFolder,
  snapshots,
  type Home,
  type RawPath,
  type Repository,
  type Snapshot,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import { approve, proposeApproval, type Proposal } from "../config/approve.ts"
import { CONFIG_NAME, SECRET_KEYS, type Config, type SecretKey } from "../config/config.ts"
import { parseConfig, readConfigBytes, unusable } from "../config/config-file.ts"
import { editedText, newConfigText, writeConfigFile } from "../config/config-text.ts"
import { destinationOf } from "../config/destination.ts"
import { isOnboarded, openclawStateDir, realPlace, type Environment } from "../config/openclaw-places.ts"
import { keepPrivately } from "../config/init.ts"
import { trySecret } from "../config/secrets.ts"
import { stateFolderOf } from "../config/places.ts"
import { placeFields, type PlaceFlags } from "../config/place-fields.ts"
import type { ProfileName } from "../setup.ts"
import { resolveTimestamp, timestampOf } from "./resolve.ts"

/** An agent that has snapshots in a repository. */
export interface FoundAgent {
  readonly series: string
  readonly profile: ProfileName
  readonly agentId: string
  readonly workspaceId: string
  /** ISO 8601. */
  readonly newest: string
  readonly snapshots: number
  /** Host names, the newest first. */
  readonly hosts: readonly string[]
}

const SERIES =
  /^(openclaw-memory|openclaw-sessions|openclaw-full|claude-code|codex|gemini-cli|custom)\/([^/]+)\/([0-9a-f]{16})$/

/** The newest first. */
export async function agentsIn(repository: Repository): Promise<FoundAgent[]> {
  const bySeries = Map.groupBy(await snapshots(repository), ({ series }) => series)
  const found = [...bySeries].flatMap(([series, all]): FoundAgent[] => {
    const [, profile, agentId = "", workspaceId = ""] = SERIES.exec(series) ?? []
    const newest = all.at(-1)
    if (profile === undefined || newest === undefined) return []
    return [
      {
        series,
        profile: profile as ProfileName,
        agentId,
        workspaceId,
        newest: timestampOf(newest),
        snapshots: all.length,
        hosts: [...new Set(all.toReversed().map(({ host }) => host))],
      },
    ]
  })
  return found.toSorted((a, b) => (a.newest < b.newest ? 1 : -1))
}

/** By its id, its workspace id or its whole series. */
export function agentsNamed(agents: readonly FoundAgent[], name: string | undefined): FoundAgent[] {
  if (name === undefined) return [...agents]
  return agents.filter(
    ({ series, agentId, workspaceId }) => name === agentId || name === workspaceId || name === series,
  )
}

export interface MoveRequest {
  /** Real path. */
  readonly workspace: string
  readonly home: Home
  readonly environment: Environment
  readonly repository: Repository
  readonly agent: FoundAgent
  readonly timestamp: string
  /** Where the repository is now. */
  readonly place: PlaceFlags
  /** A reference. */
  readonly credentials: string | undefined
}

/** The configuration as it would be written and approved. */
export interface Move {
  readonly text: string
  /** Of the text, in hex: `--accept-config` names it. */
  readonly sha256: string
  /** From what the workspace has now, as a unified diff. */
  readonly diff: string
  readonly proposal: Proposal
  /** What a person does after the restore. */
  readonly steps: readonly string[]
  /** The configuration comes from the backup, unchanged or adapted; false: it had none that can be used. */
  readonly isBackedUp: boolean
}

/** @throws AgentProblem if the configuration can't be used here */
export async function planMove(request: MoveRequest): Promise<Move> {
  const { workspace, home, environment, repository, agent, timestamp } = request
  const setup = { series: agent.series, stateFolder: stateFolderOf(home, workspace) }
  const { snapshot } = await resolveTimestamp(setup, repository, timestamp, "cli")
  const backedUp = await backedUpText(repository, snapshot)
  const adapted = backedUp === undefined ? undefined : await adaptedText(request, backedUp)
  const text = adapted ?? newConfigText(fieldsOf(request, {}))
  const proposal = await proposeApproval({
    workspace,
    environment,
    home,
    bytes: Buffer.from(text),
    restoresState: true,
  })
  const before = readConfigBytes(join(workspace, CONFIG_NAME))
  const now = before === undefined || "code" in before ? "" : before.toString("utf8")
  const { createTwoFilesPatch } = await import("diff")
  const patch = createTwoFilesPatch(now === "" ? "/dev/null" : CONFIG_NAME, CONFIG_NAME, now, text)
  return {
    text,
    sha256: createHash("sha256").update(text).digest("hex"),
    diff: patch.slice(patch.indexOf("--- ")),
    proposal,
    steps: stepsOf(proposal, environment),
    isBackedUp: adapted !== undefined,
  }
}

/** Writes and approves what was shown. */
export function carryOutMove({ workspace, home, credentials }: MoveRequest, { text, proposal }: Move): void {
  const stateFolder = stateFolderOf(home, workspace)
  makePrivateFolder(stateFolder)
  if (credentials?.startsWith("command:") === true) keepPrivately(stateFolder, credentials)
  const { stateDir } = proposal.approved
  if (stateDir !== null) mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  writeConfigFile(workspace, text)
  approve(proposal)
}

/** The host may be installed after its files are back. */
function stepsOf({ workspace, config, approved }: Proposal, environment: Environment): string[] {
  if (!config.profile.startsWith("openclaw-") || isOnboarded(environment)) return []
  const stateDir = approved.stateDir ?? realPlace(openclawStateDir(environment))
  return [
    `Install OpenClaw and set it up. It keeps its files in ${stateDir}.`,
    ...(workspace === join(stateDir, "workspace")
      ? []
      : [`Let agent ${config.agent_id} use the workspace ${workspace}.`]),
    "Then start it: openclaw gateway start",
  ]
}

const CONFIG_BYTES_MAX = 256 * 1024

async function backedUpText(repository: Repository, snapshot: Snapshot): Promise<string | undefined> {
  const path = `workspace/${CONFIG_NAME}` as RawPath
  for await (const entry of entries(repository, snapshot, { within: path })) {
    if (entry.path !== path || entry.type !== "file" || entry.size > CONFIG_BYTES_MAX) return undefined
    const parts: Buffer[] = []
    const out = new Writable({
      write(bytes: Uint8Array, _encoding, done) {
        parts.push(Buffer.from(bytes)) // a copy, since the bytes are reused
        done()
      },
    })
    await dump(repository, snapshot, path, { out })
    return Buffer.concat(parts).toString("utf8")
  }
  return undefined
}

const PLACE_KEYS = ["provider", "repository", "endpoint", "bucket", "region", "path_prefix"] as const

/** Keeps the text where it names this repository; undefined if the file can't be used. */
async function adaptedText(request: MoveRequest, text: string): Promise<string | undefined> {
  const { agent, environment } = request
  const parsed = await parseConfig(Buffer.from(text))
  if ("code" in parsed || unusable(parsed, request.workspace) !== undefined) return undefined
  const { config } = parsed
  const missing = await missingFiles(config, environment)
  const kept = Object.fromEntries(
    Object.entries(config).filter(([key]) => !missing.some((each) => each === key)),
  )
  const wanted = fieldsOf(request, kept)
  const [was, is] = [config, wanted].map((each) => destinationOf(each, environment))
  const isSamePlace =
    was !== undefined &&
    is !== undefined &&
    "location" in was &&
    "location" in is &&
    was.location === is.location &&
    was.endpoint === is.endpoint
  if (!isSamePlace || request.credentials !== undefined) return newConfigText(wanted)
  const names = parsed.names
  const removals = missing.map((key) => ({ key, name: names.get(key) ?? key, value: undefined }))
  const identity = (["profile", "agent_id", "workspace_id"] as const).flatMap((key) => {
    const value = { profile: agent.profile, agent_id: agent.agentId, workspace_id: agent.workspaceId }[key]
    return config[key] === value ? [] : [{ key, name: names.get(key) ?? key, value }]
  })
  const edits = [...removals, ...identity]
  return edits.length === 0 ? text : await editedText(text, edits)
}

/** Fields whose file was on the old machine alone. This device gets keys of its own. */
async function missingFiles(config: Config, environment: Environment): Promise<SecretKey[]> {
  const found = await Promise.all(
    SECRET_KEYS.map(async (key) => {
      const reference = config[key]
      const isFile = typeof reference === "string" && reference.startsWith("file:")
      return isFile && (await trySecret(reference, key, environment)) !== undefined ? [key] : []
    }),
  )
  return found.flat()
}

/** The old values, with the place and the identity that are right now. */
function fieldsOf({ agent, place, environment, credentials }: MoveRequest, old: Config): Config {
  const kept = Object.fromEntries(
    Object.entries(old).filter(([key]) => !PLACE_KEYS.some((each) => each === key)),
  ) as Config
  const identity = { profile: agent.profile, agent_id: agent.agentId, workspace_id: agent.workspaceId }
  const all: Config = { ...kept, ...identity, ...placeFields(place, environment) }
  if (credentials === undefined) return all
  const { key_id: _keyId, secret_key: _secretKey, credentials: _old, ...others } = all
  return credentials.startsWith("command:") ? others : { ...others, credentials }
}

/** @throws AgentProblem */
export function requireOneAgent(agents: readonly FoundAgent[], name: string | undefined): FoundAgent {
  const found = agentsNamed(agents, name)
  const [only, another] = found
  if (only !== undefined && another === undefined) return only
  if (agents.length === 0)
    throw new AgentProblem("no-agent", "this repository has no snapshot of an agent", "check the location")
  const listed = (only === undefined ? agents : found)
    .map(({ series, newest }) => `${series} (newest ${newest})`)
    .join(", ")
  throw new AgentProblem(
    only === undefined ? "no-agent" : "several-agents",
    only === undefined
      ? `this repository has no agent ${JSON.stringify(name)}; it has ${listed}`
      : `this repository has several agents: ${listed}`,
    "choose one with --agent ID",
  )
}
