/**
 * The questions of a restore on a new machine: where, which secret, which agent, and whether the configuration from
 * the backup may be in force here. `--yes` answers none of them about trust: that needs a person on a terminal, or the
 * digest of the very text that a first run has printed.
 */
import { mkdirSync, realpathSync } from "node:fs"
import { resolve } from "node:path"
import {
  listDevices,
  openRepository,
  parseAddress,
  peekRepository,
  shellWord,
  type DeviceInfo,
  type Repository,
  type Secret,
  type Store,
} from "../../../engine/index.ts"
import { findHostWorkspace } from "../../bridge/config/host-workspace.ts"
import {
  agentsIn,
  agentsNamed,
  carryOutMove,
  planMove,
  requireOneAgent,
  type FoundAgent,
  type Move,
  type MoveRequest,
} from "../../bridge/recover/new-machine.ts"
import { showCount } from "../../output/format.ts"
import { UsageError } from "../../output/exit-codes.ts"
import { askLine, askYesNo, canAsk } from "../../secrets/prompt.ts"
import {
  askWordsOrPassphrase,
  givenSecrets,
  withTypedTries,
  WORDS_OR_PASSPHRASE,
} from "../../secrets/secrets.ts"
import type { Call } from "../../verbs/call.ts"
import { homeOf, storeAt } from "../connection.ts"
import { givenCredentials } from "./workspace.ts"

/** @returns what to do after the restore; undefined: the configuration was not accepted, and nothing was written */
export async function setUpNewMachine(
  call: Call,
  location: string,
  timestamp: string,
): Promise<readonly string[] | undefined> {
  const { output } = call
  const workspace = await workspaceOf(call)
  const store = await storeAt(call, location)
  const { id, deviceCount } = await peekRepository(store)
  output.say(`Workspace:   ${workspace}`)
  output.say(`Repository:  ${id.slice(0, 8)} at ${store.location}, with ${showCount(deviceCount, "device")}`)
  const secret = await openingSecret(call, store)
  const reading = await openRepository({ store, home: homeOf(call), secret })
  let move: Move
  let request: MoveRequest
  try {
    const devices = await listDevices(reading)
    output.say(`Devices:     ${devices.map(nameOf).join(", ")}`)
    const agent = await chooseAgent(call, await agentsIn(reading))
    output.say(
      `Agent:       ${agent.series}, ${showCount(agent.snapshots, "snapshot")}, newest ${agent.newest} on ${agent.hosts[0] ?? ""}`,
    )
    request = requestOf(call, { workspace, reading, agent, location, timestamp })
    move = await planMove(request)
    if (!(await isAccepted(call, { move, devices, reading, agent }))) return undefined
  } finally {
    reading.close()
  }
  const writing = await openRepository({ store, home: homeOf(call), secret, write: true })
  writing.close()
  carryOutMove(request, move)
  output.say("This device has keys of its own now, and the configuration is approved.")
  return move.steps
}

async function workspaceOf(call: Call): Promise<string> {
  const named = call.options.text("workspace")
  if (named === undefined)
    return await findHostWorkspace({
      workspace: undefined,
      agentId: call.options.text("agent"),
      cwd: process.cwd(),
      environment: call.environment,
    })
  mkdirSync(resolve(named), { recursive: true, mode: 0o700 })
  return realpathSync(resolve(named))
}

/** Tried before anything is shown from the repository; what was typed may be typed again. */
async function openingSecret(call: Call, store: Store): Promise<Secret | undefined> {
  const [given] = givenSecrets(call)
  if (given !== undefined) return given
  const attempt = async (): Promise<Secret | undefined> => {
    const typed = await askWordsOrPassphrase()
    const tried = await openRepository({ store, home: homeOf(call), secret: typed })
    tried.close()
    return typed
  }
  return await withTypedTries(attempt, undefined, WORDS_OR_PASSPHRASE)
}

function nameOf({ label, id, status }: DeviceInfo): string {
  const name = label === "" ? id.slice(0, 8) : label
  return status === "active" ? name : `${name} (${status})`
}

async function chooseAgent(call: Call, agents: readonly FoundAgent[]): Promise<FoundAgent> {
  const name = call.options.text("agent")
  const found = agentsNamed(agents, name)
  if (found.length < 2 || !canAsk()) return requireOneAgent(agents, name)
  found.forEach(({ series, newest, hosts }, i) =>
    call.output.line(`  ${i + 1}. ${series}, newest ${newest} on ${hosts[0] ?? ""}`),
  )
  const chosen = found[Number((await askLine("Which agent? Number: ")).trim()) - 1]
  if (chosen === undefined) throw new UsageError("no agent was chosen. Use --agent ID")
  return chosen
}

interface Moving {
  readonly workspace: string
  readonly reading: Repository
  readonly agent: FoundAgent
  readonly location: string
  readonly timestamp: string
}

function requestOf(call: Call, { workspace, reading, agent, location, timestamp }: Moving): MoveRequest {
  const { options, environment } = call
  return {
    workspace,
    home: homeOf(call),
    environment,
    repository: reading,
    agent,
    timestamp: timestamp === "undo" ? "latest" : timestamp,
    place: { location, endpoint: options.text("endpoint"), region: options.text("region") },
    // a folder needs none
    credentials: parseAddress(location).kind === "local" ? undefined : givenCredentials(call),
  }
}

interface Proposed {
  readonly move: Move
  readonly devices: readonly DeviceInfo[]
  readonly reading: Repository
  readonly agent: FoundAgent
}

async function isAccepted(call: Call, { move, devices, reading, agent }: Proposed): Promise<boolean> {
  const { output, options } = call
  const { diff, sha256, proposal, isBackedUp } = move
  const accepted = options.text("accept-config")
  if (accepted === sha256) return true
  if (accepted !== undefined)
    throw new UsageError(`--accept-config is not the digest of this configuration, which is ${sha256}`)
  output.line("")
  output.line(isBackedUp ? "Configuration from the backup:" : "The backup has no configuration. A new one:")
  for (const line of diff.trimEnd().split("\n")) output.line(`  ${line}`)
  output.line("It would have these effects:")
  for (const line of proposal.lines) output.line(`  ${line}`)
  if (!output.json && canAsk()) return await askYesNo("Approve this configuration on this machine?", false)
  const command = [
    `holdfast agent restore latest --workspace ${shellWord(proposal.workspace)} -r ${shellWord(reading.location)}`,
    `--agent ${shellWord(agent.series)} --accept-config ${sha256}`,
  ].join(" ")
  output.structured({
    v: 1,
    outcome: "needs_approval",
    repository: { id: reading.id, location: reading.location },
    devices: devices.map(nameOf),
    agent: agent.series,
    config: { sha256, diff },
    command,
  })
  output.line("")
  output.line(`Nothing was written. To approve exactly this text, add: --accept-config ${sha256}`)
  return false
}
