/**
 * Approves a configuration: what a person is shown, and what is then in force. The values that were shown are the ones
 * that are recorded; the file isn't read again in between, since the agent can write it.
 */
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { makePrivateFolder, openHome, shellWord, type Home } from "../../../engine/index.ts"
import { showText } from "../../../engine/base/show.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import type { Destination, ProfileName } from "../setup.ts"
import {
  changedKeys,
  effectiveConfig,
  maskedKey,
  readApproved,
  sha256,
  shownWhole,
  writeApproved,
  type Approved,
  type ApprovedConfig,
} from "./approval.ts"
import { CONFIG_KEYS, CONFIG_NAME, type Config, type ConfigKey } from "./config.ts"
import { parseConfig, readConfigBytes, unusable, type ParsedConfig } from "./config-file.ts"
import { destinationOf } from "./destination.ts"
import {
  agentAt,
  findOpenClaw,
  openclawStateDir,
  realPath,
  realPlace,
  userHome,
  type Environment,
} from "./openclaw-places.ts"
import { stateFolderOf } from "./places.ts"
import { PROFILES } from "./profiles.ts"

/** Ends the line of a change that needed no approval. */
const IN_FORCE = "(already in force)"

export interface ApprovalRequest {
  /** Real path. */
  readonly workspace: string
  readonly environment: Environment
  readonly home?: Home | undefined
  /** Instead of the file's content: of a configuration that is about to be written. */
  readonly bytes?: Uint8Array | undefined
  /** The host's own folder is restored next, and needn't exist. */
  readonly restoresState?: boolean | undefined
}

export interface Proposal {
  readonly workspace: string
  readonly stateFolder: string
  readonly destination: Destination
  readonly config: ApprovedConfig
  /** For a person: every setting at a first approval, later what changes. Secrets are references. */
  readonly lines: readonly string[]
  readonly isFirst: boolean
  /** Something of what was approved before is to be replaced. */
  readonly waits: boolean
  readonly approved: Approved
}

/** @throws AgentProblem if the file is missing or can't be approved */
export async function proposeApproval(request: ApprovalRequest): Promise<Proposal> {
  const { workspace, environment } = request
  const home = request.home ?? openHome({ environment })
  const stateFolder = stateFolderOf(home, workspace)
  const bytes = request.bytes ?? bytesOf(workspace)
  const parsed = await usableConfig(bytes, workspace)
  const before = readApproved(stateFolder)
  const config = await completed(parsed.config, before?.config, request)
  refuseUnshown(config)
  const destination = destinationOf(config, environment)
  if ("code" in destination) throw problemOf(destination)
  const stateDir = stateDirOf(config, request)
  const approved: Approved = {
    version: 1,
    workspace,
    time: new Date().toISOString(),
    sha256: sha256(bytes),
    config,
    stateDir,
    warnings: [...parsed.unknown, ...(await notFound(config, stateDir, request))],
  }
  const changes = changesOf(before, config)
  const ofState = stateLine(before, stateDir)
  return {
    workspace,
    stateFolder,
    destination,
    config,
    lines: [
      ...(before === undefined ? allLines(config, destination) : [...changes.waiting, ...changes.inForce]),
      ...ofState,
    ],
    isFirst: before === undefined,
    waits: before !== undefined && changes.waiting.length + ofState.length > 0,
    approved,
  }
}

/** A person approves what is shown, so a value that would be hidden can't be approved. */
function refuseUnshown(config: ApprovedConfig): void {
  const key = maskedKey(config)
  if (key === undefined) return
  throw new AgentProblem(
    "literal-secret",
    `${CONFIG_NAME}: /${key}: seems to contain a secret, so it can be neither shown nor approved`,
    "use another value",
  )
}

export function approve({ stateFolder, approved }: Proposal): void {
  makePrivateFolder(stateFolder)
  writeApproved(stateFolder, approved)
}

function bytesOf(workspace: string): Uint8Array {
  const bytes = readConfigBytes(join(workspace, CONFIG_NAME))
  if (bytes === undefined)
    throw new AgentProblem(
      "unconfigured",
      `${workspace} has no ${CONFIG_NAME}`,
      `run: holdfast agent init --workspace ${shellWord(workspace)}`,
    )
  if ("code" in bytes) throw problemOf(bytes)
  return bytes
}

async function usableConfig(bytes: Uint8Array, workspace: string): Promise<ParsedConfig> {
  const parsed = await parseConfig(bytes)
  const wrong = "code" in parsed ? parsed : unusable(parsed, shellWord(workspace))
  if (wrong !== undefined) throw problemOf(wrong)
  if ("code" in parsed) throw problemOf(parsed)
  return parsed
}

export function problemOf({ code, message, hint }: Warning): AgentProblem {
  return new AgentProblem(code, message, hint)
}

/** What the file leaves open stays as it was approved, or is decided by the host that is here. */
async function completed(
  config: Config,
  before: ApprovedConfig | undefined,
  { workspace, environment }: ApprovalRequest,
): Promise<ApprovedConfig> {
  const host = await hostAt(workspace, environment)
  return {
    ...config,
    profile: config.profile ?? before?.profile ?? host.profile,
    agent_id: config.agent_id ?? before?.agent_id ?? host.agentId,
    workspace_id: config.workspace_id ?? before?.workspace_id ?? newWorkspaceId(),
  }
}

/** 16 hex digits: two hosts whose agents are both called "main" never mix. */
export function newWorkspaceId(): string {
  return randomBytes(8).toString("hex")
}

export interface HostAt {
  /** Proposed for this workspace. */
  readonly profile: ProfileName
  readonly agentId: string
}

/** The host whose workspace this is. */
export async function hostAt(workspace: string, environment: Environment): Promise<HostAt> {
  const openclaw = await findOpenClaw(environment)
  const agent = openclaw === undefined ? undefined : agentAt(openclaw, workspace)
  if (agent !== undefined) return { profile: "openclaw-sessions", agentId: agent.id }
  const home = userHome(environment)
  const roots: readonly (readonly [ProfileName, string])[] = [
    ["claude-code", environment["CLAUDE_CONFIG_DIR"] || join(home, ".claude")],
    ["codex", environment["CODEX_HOME"] || join(home, ".codex")],
    ["gemini-cli", join(home, ".gemini")],
  ]
  const profile = roots.find(([, root]) => realPath(root) === workspace)?.[0]
  return { profile: profile ?? "custom", agentId: "main" }
}

function stateDirOf(
  { profile }: ApprovedConfig,
  { environment, restoresState }: ApprovalRequest,
): string | null {
  if (PROFILES[profile].state === undefined) return null
  const path = openclawStateDir(environment)
  const real = restoresState === true ? realPlace(path) : realPath(path)
  if (real !== undefined) return real
  throw new AgentProblem(
    "no-openclaw",
    `profile ${profile} needs OpenClaw's folder, but ${path} doesn't exist`,
    "set OPENCLAW_STATE_DIR, or use the profile openclaw-memory",
  )
}

/** What the profile expects and this machine doesn't have. */
async function notFound(
  { profile, agent_id: agentId }: ApprovedConfig,
  stateDir: string | null,
  { environment, restoresState }: ApprovalRequest,
): Promise<Warning[]> {
  if (stateDir === null) return []
  const agents = (await findOpenClaw(environment))?.agents ?? []
  const agentDir = agents.find(({ id }) => id === agentId)?.agentDir
  const folder = join(stateDir, "agents", agentId)
  if (agentDir === undefined && (restoresState === true || existsSync(folder))) return []
  const message =
    agentDir === undefined
      ? `${folder} doesn't exist: there are no conversations of agent ${agentId} to back up`
      : `agent ${agentId} keeps its conversations in ${agentDir}, outside of ${folder}: they are not backed up`
  return [{ code: "no-sessions", message: `${message} (profile ${profile})` }]
}

/** The host's folder is outside the workspace, so a person sees it. */
function stateLine(before: Approved | undefined, stateDir: string | null): string[] {
  if (before === undefined) return stateDir === null ? [] : [`state folder: ${showText(stateDir)}`]
  if (before.stateDir === stateDir) return []
  return [`state folder: ${showText(before.stateDir ?? "(none)")} → ${showText(stateDir ?? "(none)")}`]
}

function allLines(config: ApprovedConfig, destination: Destination): string[] {
  const set = CONFIG_KEYS.filter((key) => key !== "version" && config[key] !== undefined)
  return [
    `destination: ${showText(destination.displayName)}`,
    ...set.map((key) => `${key}: ${shownWhole(key, config)}`),
  ]
}

interface Changes {
  readonly waiting: readonly string[]
  readonly inForce: readonly string[]
}

function changesOf(approved: Approved | undefined, config: ApprovedConfig): Changes {
  if (approved === undefined) return { waiting: [], inForce: [] }
  const before = approved.config
  const { config: free } = effectiveConfig(before, config)
  const line = (key: ConfigKey, from: Config): string =>
    `${key}: ${shownWhole(key, from)} → ${shownWhole(key, config)}`
  const waiting = changedKeys(free, config)
  const inForce = changedKeys(before, free).filter((key) => !waiting.includes(key))
  return {
    waiting: waiting.map((key) => line(key, free)),
    inForce: inForce.map((key) => `${line(key, before)} ${IN_FORCE}`),
  }
}
