/**
 * `agent init`: from a workspace to a protected one. First a plan, which changes nothing and which a person can see;
 * then the configuration, the repository, and the approval, in this order. Every step can be repeated, so a second
 * run continues an interrupted one. spec/agent.md.
 */
import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import {
  createRepository,
  makePrivateFolder,
  openHome,
  openRepository,
  shellWord,
  writePrivateFile,
  type Home,
  type Repository,
  type Secret,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import type { Destination, ProfileName } from "../setup.ts"
import { readApproved } from "./approval.ts"
import { approve, hostAt, newWorkspaceId, problemOf, proposeApproval, type Proposal } from "./approve.ts"
import { CONFIG_NAME, type Config } from "./config.ts"
import { parseConfig, readConfigBytes, unusable, type ParsedConfig } from "./config-file.ts"
import { editedText, newConfigText, writeConfigFile, type Edit } from "./config-text.ts"
import { realPlace, type Environment } from "./openclaw-places.ts"
import { agentsFolderOf, madeKeyPath, secretsFolderOf, stateFolderOf } from "./places.ts"
import { placeFields } from "./place-fields.ts"
import {
  encryptionKey,
  openDestination,
  PRIVATE_NAME,
  readPrivateConfig,
  type SecretSources,
} from "./secrets.ts"
import { writeWordsState } from "./words.ts"
import { seriesOf } from "./open-setup.ts"

export interface InitRequest {
  /** Real path. */
  readonly workspace: string
  readonly environment: Environment
  readonly home?: Home | undefined
  readonly profile?: ProfileName | undefined
  readonly agentId?: string | undefined
  /** As `-r` takes it; default: a folder in the user's home. */
  readonly location?: string | undefined
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** A reference. `command:` is kept in this machine's private configuration. */
  readonly credentials?: string | undefined
  readonly withoutAuth?: boolean | undefined
}

export interface InitPlan {
  readonly workspace: string
  readonly home: Home
  readonly environment: Environment
  /** The configuration as it will be. */
  readonly text: string
  /** False: the file is there and stays as it is. */
  readonly writes: boolean
  readonly proposal: Proposal
  readonly privateCredentials: string | undefined
}

/** @throws AgentProblem */
export async function planInit(request: InitRequest): Promise<InitPlan> {
  const { workspace, environment } = request
  const home = request.home ?? openHome({ environment })
  const bytes = readConfigBytes(join(workspace, CONFIG_NAME))
  if (bytes !== undefined && "code" in bytes) throw problemOf(bytes)
  const text = bytes === undefined ? await freshText(request, home) : await wholeText(request, bytes)
  const proposal = await proposeApproval({ workspace, environment, home, bytes: Buffer.from(text) })
  const isPrivate =
    bytes === undefined &&
    proposal.destination.kind === "s3" &&
    request.credentials?.startsWith("command:") === true
  refuseInside(proposal.destination, workspace, proposal.approved.stateDir)
  refuseWaiting(proposal)
  if (proposal.isFirst) refuseTakenId(proposal, home)
  return {
    workspace,
    home,
    environment,
    text,
    writes: bytes?.toString("utf8") !== text,
    proposal,
    privateCredentials: isPrivate ? request.credentials : undefined,
  }
}

/** What was approved once changes by `agent trust` alone, which `--yes` doesn't answer. */
function refuseWaiting({ waits, workspace }: Proposal): void {
  if (!waits) return
  throw new AgentProblem(
    "changes-wait",
    `${join(workspace, CONFIG_NAME)} has changed since it was approved`,
    `run: holdfast agent trust --workspace ${shellWord(workspace)}`,
  )
}

/** A copied folder has the other one's id. Two in one series would get each other's files back. */
function refuseTakenId({ workspace, config }: Proposal, home: Home): void {
  const folder = agentsFolderOf(home)
  const states = existsSync(folder) ? readdirSync(folder) : []
  const other = states
    .flatMap((name) => readApproved(join(folder, name)) ?? [])
    .find(
      (each) =>
        each.config.workspace_id === config.workspace_id &&
        each.workspace !== workspace &&
        existsSync(join(each.workspace, CONFIG_NAME)), // else the folder has moved
    )
  if (other === undefined) return
  throw new AgentProblem(
    "workspace-id-taken",
    `${join(workspace, CONFIG_NAME)} has the workspace_id of ${other.workspace}, so both would share one series of backups`,
    "remove workspace_id from the file; agent init then makes another",
  )
}

/** Of a workspace without the file; one that was approved here gets what was approved. */
async function freshText(request: InitRequest, home: Home): Promise<string> {
  const { workspace, environment, credentials } = request
  const approved = readApproved(stateFolderOf(home, workspace))
  if (approved !== undefined) return newConfigText(approved.config)
  const host = await hostAt(workspace, environment)
  const profile = request.profile ?? host.profile
  const place = placeFields(request, environment)
  const isKept =
    credentials !== undefined && place.provider !== "local" && !credentials.startsWith("command:")
  const config: Config = {
    profile,
    agent_id: request.agentId ?? host.agentId,
    workspace_id: newWorkspaceId(),
    ...place,
    ...(isKept ? { credentials } : {}),
    ...(request.withoutAuth === true ? { without_auth: true } : {}),
  }
  return newConfigText(config)
}

/** Adds to a file what identifies the series, so that another machine continues it. */
async function wholeText(request: InitRequest, bytes: Buffer): Promise<string> {
  const { workspace, environment } = request
  const parsed = await parseConfig(bytes)
  const wrong = "code" in parsed ? parsed : unusable(parsed, shellWord(workspace))
  if (wrong !== undefined) throw problemOf(wrong)
  if ("code" in parsed) throw problemOf(parsed)
  refuseOtherValues(request, parsed)
  const before = readApproved(stateFolderOf(request.home ?? openHome({ environment }), workspace))?.config
  const host = await hostAt(workspace, environment)
  const { profile, agent_id, workspace_id } = parsed.config
  const edits: Edit[] = []
  const add = (key: Edit["key"], there: string | undefined, value: string): void => {
    if (there === undefined) edits.push({ key, name: key, value })
  }
  add("profile", profile, before?.profile ?? request.profile ?? host.profile)
  add("agent_id", agent_id, before?.agent_id ?? request.agentId ?? host.agentId)
  add("workspace_id", workspace_id, before?.workspace_id ?? newWorkspaceId())
  const text = bytes.toString("utf8")
  return edits.length === 0 ? text : await editedText(text, edits)
}

/** The file decides. A flag that says something else must not be dropped without a word. */
function refuseOtherValues(request: InitRequest, { config }: ParsedConfig): void {
  const place = request.location === undefined ? {} : placeFields(request, request.environment)
  const asked: Config = {
    ...place,
    ...(request.profile === undefined ? {} : { profile: request.profile }),
    ...(request.agentId === undefined ? {} : { agent_id: request.agentId }),
    ...(request.withoutAuth === true ? { without_auth: true } : {}),
  }
  for (const [key, value] of Object.entries(asked) as [keyof Config, unknown][]) {
    const isOpen = config[key] === undefined && (key === "profile" || key === "agent_id")
    if (value === undefined || isOpen || JSON.stringify(config[key]) === JSON.stringify(value)) continue
    throw new AgentProblem(
      "already-configured",
      `${join(request.workspace, CONFIG_NAME)} exists and has another ${key}`,
      "edit the file, then run: holdfast agent trust",
    )
  }
}

/** A repository inside what it backs up would grow with itself, and be lost with it. */
function refuseInside({ kind, location }: Destination, workspace: string, stateDir: string | null): void {
  if (kind !== "folder") return
  const place = realPlace(location)
  for (const folder of [workspace, ...(stateDir === null ? [] : [stateDir])]) {
    if (place !== folder && !place.startsWith(`${folder}/`)) continue
    throw new AgentProblem(
      "repository-inside",
      `${location} is inside ${folder}, which it would back up`,
      "choose another folder with -r",
    )
  }
}

export interface InitHow {
  readonly role: "full" | "writer"
  /** Given by flags: they open an existing repository, and open a new one besides its key. */
  readonly given: readonly Secret[]
  /** For an existing repository that nothing else opens. */
  readonly ask: () => Promise<Secret | undefined>
  /** Shows or writes new recovery words before the repository exists. Returns the sheet's path, if there is one. */
  readonly deliver: (words: string, facts: { repositoryId: string; location: string }) => string | null
}

export interface InitResult {
  readonly v: 1
  readonly workspace: string
  readonly config: string
  readonly profile: ProfileName
  readonly agentId: string
  readonly workspaceId: string
  readonly series: string
  readonly repository: {
    readonly id: string
    readonly displayName: string
    readonly created: boolean
  }
  /** A file with the recovery words; null if they were shown, or none were made. */
  readonly recoverySheet: string | null
  readonly warnings: readonly Warning[]
}

export async function carryOutInit(plan: InitPlan, how: InitHow): Promise<InitResult> {
  const { workspace, proposal, home } = plan
  const { stateFolder, config, destination } = proposal
  makePrivateFolder(stateFolder)
  if (plan.privateCredentials !== undefined) keepPrivately(stateFolder, plan.privateCredentials)
  const path = join(workspace, CONFIG_NAME)
  const isNew = plan.writes && !existsSync(path)
  if (plan.writes) writeConfigFile(workspace, plan.text)
  const sources: SecretSources = {
    config,
    stateFolder,
    home,
    environment: plan.environment,
    hostSecrets: undefined,
  }
  const { repository, created, sheet } = await openOrCreate(destination, sources, how).catch(
    (error: unknown) => {
      // another attempt may say another place
      if (isNew) rmSync(path, { force: true })
      throw error
    },
  )
  approve(proposal)
  const warnings = repository.session.warnings.map((message) => ({ code: "repository", message }))
  repository.close()
  return {
    v: 1,
    workspace,
    config: path,
    profile: config.profile,
    agentId: config.agent_id,
    workspaceId: config.workspace_id,
    series: seriesOf(config),
    repository: { id: repository.id, displayName: destination.displayName, created },
    recoverySheet: sheet,
    warnings: [...proposal.approved.warnings, ...warnings],
  }
}

/** `command:` references are of this machine alone. */
export function keepPrivately(stateFolder: string, credentials: string): void {
  const content = { ...readPrivateConfig(stateFolder), credentials }
  writePrivateFile(join(stateFolder, PRIVATE_NAME), `${JSON.stringify(content, null, 2)}\n`)
}

interface Opened {
  readonly repository: Repository
  readonly created: boolean
  readonly sheet: string | null
}

/** Connects to the repository that is there, or makes one. */
async function openOrCreate(destination: Destination, sources: SecretSources, how: InitHow): Promise<Opened> {
  const { home } = sources
  const store = await openDestination(destination, sources)
  const secret = async (): Promise<Secret | undefined> =>
    how.given[0] ?? (await encryptionKey(sources)) ?? (await how.ask())
  try {
    const repository = await openRepository({ store, home, write: true, role: how.role, secret })
    return { repository, created: false, sheet: null }
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  if (how.role === "writer")
    throw new AgentProblem(
      "no-repository",
      `${destination.displayName} has no repository yet`,
      "make it on the device that prunes, without --role writer",
    )
  const key = (await encryptionKey(sources)) ?? makeKey(sources)
  const others = how.given.filter(({ kind }) => kind !== "recovery")
  let sheet: string | null = null
  const recovery = (words: string, repositoryId: string): void => {
    sheet = how.deliver(words, { repositoryId, location: store.location })
    writeWordsState(sources.stateFolder, { confirmed: false, sheet })
  }
  const made = await createRepository({ store, home, secrets: [key, ...others], label: hostname(), recovery })
  return { repository: made.repository, created: true, sheet }
}

function isAbsent(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && (error.code === "no-repository" || error.code === "no-store")
  )
}

/** Random; never derived from credentials, which are known to the provider and change. */
function makeKey({ home, config }: SecretSources): Secret {
  const bytes = randomBytes(32)
  makePrivateFolder(secretsFolderOf(home))
  writePrivateFile(madeKeyPath(home, config.workspace_id), `${bytes.toString("base64")}\n`)
  return { kind: "key", bytes }
}
