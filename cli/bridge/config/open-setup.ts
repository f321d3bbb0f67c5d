/**
 * Opens the set-up of a workspace: finds it, takes the values approved on this machine with those changes of the
 * file that need no approval, and adds the profile. Reads local files only; the engine works from `openRepository()`
 * on. An unchanged file isn't parsed again, so zod and the JSON parser aren't loaded. spec/agent.md.
 */
import { join } from "node:path"
import {
  makePrivateFolder,
  openHome,
  readPrivateFile,
  shellWord,
  writePrivateNote,
  type Home,
} from "../../../engine/index.ts"
import type { Warning } from "../results.ts"
import type {
  AgentRoot,
  CaptureRules,
  Destination,
  HostSecrets,
  NotReady,
  Settings,
  Setup,
} from "../setup.ts"
import {
  effectiveConfig,
  intervalOf,
  readApproved,
  retentionOf,
  sha256,
  triggersOf,
  type Approved,
  type ApprovedConfig,
  type Effective,
} from "./approval.ts"
import { CONFIG_NAME, DEFAULTS, type Config } from "./config.ts"
import { parseConfig, readConfigBytes, unusable, type ParsedConfig } from "./config-file.ts"
import { destinationOf } from "./destination.ts"
import type { Environment } from "./openclaw-places.ts"
import { findWorkspace, notConfigured, stateFolderOf } from "./places.ts"
import { PROFILES, type RootRules } from "./profiles.ts"
import { openAgentRepository, readPrivateConfig, storeVariables, type SecretSources } from "./secrets.ts"
import { wordsWarnings } from "./words.ts"

export interface SetupRequest {
  /** Undefined: found from `cwd` upward, then from the hosts on this machine. */
  readonly workspace?: string | undefined
  readonly cwd: string
  readonly environment: Environment
  readonly hostSecrets?: HostSecrets | undefined
  /** Default: the environment's. */
  readonly home?: Home | undefined
  /** As in `findWorkspace`. */
  readonly prefersApproved?: boolean | undefined
}

export function isNotReady(found: Setup | NotReady): found is NotReady {
  return "state" in found
}

/** @throws EngineError if the home can't be used */
export async function openSetup(request: SetupRequest): Promise<Setup | NotReady> {
  const home = request.home ?? openHome({ environment: request.environment })
  const workspace = await findWorkspace({ ...request, home })
  if (typeof workspace !== "string") return workspace
  const stateFolder = stateFolderOf(home, workspace)
  const approved = readApproved(stateFolder)
  const configPath = join(workspace, CONFIG_NAME)
  if (approved === undefined) return await unapproved(workspace, configPath, request.environment)
  const current = await currentConfig(approved, configPath, stateFolder)
  const destination = destinationOf(current.config, request.environment)
  if ("code" in destination) return { state: "unconfigured", workspace, problem: destination }
  makePrivateFolder(stateFolder)
  const sources: SecretSources = {
    config: current.config,
    stateFolder,
    home,
    environment: request.environment,
    hostSecrets: request.hostSecrets,
  }
  return {
    workspace,
    configPath,
    settings: settingsOf(current.config, readPrivateConfig(stateFolder).notify_command),
    destination,
    storeVariables: storeVariables(stateFolder, current.config),
    series: seriesOf(current.config),
    roots: rootsOf(workspace, approved.stateDir, current.config),
    memory: PROFILES[current.config.profile].memory,
    capture: captureOf(current.config),
    home,
    stateFolder,
    waiting: current.waiting,
    warnings: [...current.warnings, ...wordsWarnings(stateFolder)],
    openRepository: async () => await openAgentRepository(destination, sources),
  }
}

/** The file of a workspace that nobody has approved here. */
async function unapproved(
  workspace: string,
  configPath: string,
  environment: Environment,
): Promise<NotReady> {
  const bytes = readConfigBytes(configPath)
  if (bytes === undefined) return notConfigured(workspace)
  const word = shellWord(workspace)
  const parsed = "code" in bytes ? bytes : await parseConfig(bytes)
  const wrong = "code" in parsed ? parsed : unusable(parsed, word)
  if (wrong !== undefined) return { state: "unconfigured", workspace, problem: wrong }
  const place = "config" in parsed ? destinationOf(parsed.config, environment) : undefined
  const named = place === undefined || "code" in place ? "PLACE" : locationWords(place)
  const where = place === undefined || "code" in place ? "" : `; it names ${place.displayName}`
  const problem = {
    code: "needs-approval",
    message: `${configPath} was never approved on this machine${where}`,
    hint: `run: holdfast agent init --workspace ${word}, or on a new machine: holdfast agent restore latest --workspace ${word} -r ${named}`,
  }
  return { state: "needs_approval", workspace, problem }
}

/** As `-r` and its flags take it. */
function locationWords({ location, endpoint, region }: Destination): string {
  const flags = [
    ...(endpoint === undefined ? [] : [`--endpoint ${shellWord(endpoint)}`]),
    ...(region === undefined ? [] : [`--region ${shellWord(region)}`]),
  ]
  return [shellWord(location), ...flags].join(" ")
}

interface Current extends Effective {
  readonly warnings: readonly Warning[]
}

async function currentConfig(approved: Approved, configPath: string, stateFolder: string): Promise<Current> {
  const asApproved = { config: approved.config, waiting: [], warnings: approved.warnings }
  const bytes = readConfigBytes(configPath)
  if (bytes !== undefined && !("code" in bytes) && sha256(bytes) === approved.sha256) return asApproved
  if (bytes === undefined) return { ...asApproved, warnings: [missing(configPath)] }
  const parsed = "code" in bytes ? bytes : await parsedOnce(bytes, approved.workspace, stateFolder)
  if ("code" in parsed)
    return {
      ...asApproved,
      warnings: [{ ...parsed, message: `${parsed.message}. The approved configuration stays in force` }],
    }
  return { ...effectiveConfig(approved.config, parsed.config), warnings: parsed.unknown }
}

const PARSED_NAME = "parsed.json"

type Usable = Pick<ParsedConfig, "config" | "unknown">

/** Of a file that has changed since its approval; the values are noted with its digest, and it isn't parsed again. */
async function parsedOnce(
  bytes: Uint8Array,
  workspace: string,
  stateFolder: string,
): Promise<Usable | Warning> {
  const digest = sha256(bytes)
  const note = join(stateFolder, PARSED_NAME)
  try {
    const noted = JSON.parse(readPrivateFile(note) ?? "") as Usable & { readonly sha256: string }
    if (noted.sha256 === digest) return noted
  } catch {
    // no note, or a torn one
  }
  const parsed = await parseConfig(bytes)
  const wrong = "code" in parsed ? parsed : unusable(parsed, shellWord(workspace))
  if (wrong !== undefined || "code" in parsed) return wrong ?? (parsed as Warning)
  const { config, unknown } = parsed
  try {
    writePrivateNote(note, JSON.stringify({ sha256: digest, config, unknown }))
  } catch {
    // a full disk costs time only
  }
  return { config, unknown }
}

function missing(configPath: string): Warning {
  return {
    code: "config-missing",
    message: `${configPath} is gone. The approved configuration stays in force`,
    hint: "run: holdfast agent init to write it again, or holdfast agent remove to end the protection",
  }
}

export function seriesOf({ profile, agent_id, workspace_id }: ApprovedConfig): string {
  return `${profile}/${agent_id}/${workspace_id}`
}

function settingsOf(config: ApprovedConfig, notifyCommand: string | undefined): Settings {
  return {
    profile: config.profile,
    agentId: config.agent_id,
    workspaceId: config.workspace_id,
    intervalMinutes: intervalOf(config),
    retentionDays: retentionOf(config),
    secretsScan: config.secrets_scan ?? DEFAULTS.secrets_scan,
    triggers: triggersOf(config),
    extraTools: config.extra_tools ?? false,
    notifyCommand,
  }
}

/** The host's own folder first: its databases refer to files of it, and are read before them. */
export function rootsOf(workspace: string, stateDir: string | null, config: ApprovedConfig): AgentRoot[] {
  const { workspace: rules, state, secretPaths } = PROFILES[config.profile]
  const takesAll = rules.include.length === 0 && config.profile !== "custom"
  const own: AgentRoot = {
    name: "workspace",
    path: workspace,
    include: takesAll ? [] : [...rules.include, ...includesWithFile(rules, config)],
    exclude: [...(config.exclude ?? []), ...rules.exclude],
  }
  if (state === undefined || stateDir === null) return [own]
  const named = ({ include, exclude }: RootRules): RootRules => ({
    include: include.map((pattern) => pattern.replace("AGENT", config.agent_id)),
    exclude,
  })
  const { include, exclude } = named(state)
  const leftOut = config.without_auth === true ? secretPaths : []
  return [{ name: "state", path: stateDir, include, exclude: [...leftOut, ...exclude] }, own]
}

/** The configuration is backed up with whatever a custom profile names: it has the workspace's id. */
function includesWithFile(rules: RootRules, { include = [] }: Config): readonly string[] {
  return rules.include.length === 0 && include.length > 0 ? [`/${CONFIG_NAME}`, ...include] : include
}

function captureOf({ profile, without_auth: withoutAuth }: ApprovedConfig): CaptureRules {
  const { sqlite, secretTables, appended } = PROFILES[profile]
  return { sqlite, emptyTables: withoutAuth === true ? secretTables : [], appended }
}
