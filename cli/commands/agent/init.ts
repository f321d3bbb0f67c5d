/**
 * `holdfast agent init`: shows the plan, asks, carries it out, and delivers the recovery words. Secrets come as in
 * `holdfast init`; a repository of its own gets a random key that is kept in the home.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { openHome, shellWord, type Secret } from "../../../engine/index.ts"
import { findHostWorkspace } from "../../bridge/config/host-workspace.ts"
import {
  carryOutInit,
  planInit,
  realPlace,
  type InitPlan,
  type InitRequest,
} from "../../bridge/config/init.ts"
import { PROFILES } from "../../bridge/config/profiles.ts"
import { readApproved } from "../../bridge/config/approval.ts"
import { expandHome } from "../../bridge/config/openclaw-places.ts"
import { stateFolderOf } from "../../bridge/config/places.ts"
import { CONFIG_NAME } from "../../bridge/config/config.ts"
import { defaultRepositoryFolder } from "../../bridge/config/place-fields.ts"
import type { ProfileName } from "../../bridge/setup.ts"
import { EXIT, UsageError, type ExitCode } from "../../output/exit-codes.ts"
import { askLine, askYesNo, canAsk } from "../../secrets/prompt.ts"
import {
  canShowWords,
  deliverWords,
  keepingPlaces,
  newSheet,
  prepareWordsFiles,
  type WordsPlace,
} from "../../secrets/recovery.ts"
import { askPassphrase, givenSecrets } from "../../secrets/secrets.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { askTwoWords, confirmWords } from "./confirm-words.ts"

export const agentInit: Command = async (call) => {
  if (call.options.flag("confirm-words")) return await confirmWords(call)
  const { options, environment } = call
  const workspace = await findHostWorkspace({
    workspace: options.text("workspace"),
    agentId: options.text("agent"),
    cwd: process.cwd(),
    environment,
  })
  const request: InitRequest = {
    workspace,
    environment,
    profile: options.text("profile") as ProfileName | undefined,
    agentId: options.text("agent"),
    location: options.text("repo"),
    endpoint: options.text("endpoint"),
    region: options.text("region"),
    credentials: options.text("credentials") ?? (environment["HOLDFAST_CREDENTIALS"] || undefined),
    withoutAuth: options.flag("without-auth"),
  }
  return await initWorkspace(call, request)
}

/** The rest of `agent init`, which `agent import` does too. */
export async function initWorkspace(call: Call, first: InitRequest): Promise<ExitCode> {
  const { output, options } = call
  const asks = !options.flag("yes")
  if (asks && !canAsk())
    throw new UsageError("there is no terminal to ask on. To accept what is proposed, use --yes")
  const isFresh = !existsSync(join(first.workspace, CONFIG_NAME)) && !isApproved(call, first.workspace)
  const request = isFresh && asks ? await askFor(call, first) : first
  const plan = await planInit(request)
  showPlan(call, plan)
  if (asks && !(await askYesNo("Protect this workspace like this?", true))) {
    output.say("nothing was changed")
    return EXIT.failed
  }
  const places: WordsPlace[] = []
  let words: string | undefined
  const result = await keepingPlaces(places, () =>
    carryOutInit(plan, {
      role: options.text("role") === "writer" ? "writer" : "full",
      given: givenSecrets(call),
      ask: async () => await askSecret(plan),
      deliver(made, facts) {
        places.push(...wordsPlaces(call, plan))
        deliverWords(call, made, places, facts)
        words = made
        return places[0]?.path ?? null
      },
    }),
  )
  const { repository, config } = result
  output.structured(result)
  output.say(
    `${repository.created ? "created" : "connected to"} repository ${repository.id.slice(0, 8)}: ${repository.displayName}`,
  )
  output.say(`wrote and approved ${config}`)
  for (const { message } of result.warnings) output.warn(message)
  if (words !== undefined && asks && places.length === 0)
    await askTwoWords(call, plan.proposal.stateFolder, words)
  const word = shellWord(plan.workspace)
  output.say("")
  output.say(`Next: holdfast agent sync --workspace ${word}`)
  output.say(`Then keep it up by itself: holdfast schedule install --workspace ${word}`)
  output.say("Note: the repository has format 0. It will have to be made again when the format changes.")
  return EXIT.done
}

function isApproved({ environment }: Call, workspace: string): boolean {
  return readApproved(stateFolderOf(openHome({ environment }), workspace)) !== undefined
}

/** Offers what flags have not said: the folder first, since it needs no account. */
async function askFor({ output }: Call, request: InitRequest): Promise<InitRequest> {
  const { profile } = (await planInit({ ...request, location: undefined })).proposal.config
  let { location, withoutAuth } = request
  if (PROFILES[profile].secretTables.length > 0 && withoutAuth !== true) {
    output.say(`Profile ${profile}:`)
    output.say(`${PROFILES[profile].title}.`)
    output.say("It includes auth profiles: the agent's credentials at model providers.")
    withoutAuth = await askYesNo("Leave the auth profiles out?", false)
  }
  if (location === undefined) {
    const proposed = defaultRepositoryFolder(request.environment)
    output.say("Where to keep the backups? A folder needs no account; or s3://bucket/prefix.")
    const typed = (await askLine(`Repository [${proposed}]: `)).trim()
    location = typed === "" ? undefined : expandHome(typed, request.environment)
  }
  return { ...request, location, withoutAuth }
}

/** By the lines above, or of no use to a person. */
const SHOWN_ABOVE =
  /^(version|profile|agent_id|workspace_id|without_auth|destination|provider|repository|endpoint|bucket|path_prefix):/

function showPlan({ output }: Call, { workspace, proposal }: InitPlan): void {
  const { profile, agent_id: agentId, without_auth: withoutAuth } = proposal.config
  output.say(`Workspace:   ${workspace}`)
  output.say(`Profile:     ${profile}, agent ${agentId}`)
  output.say(`             ${PROFILES[profile].title}`)
  if (PROFILES[profile].secretTables.length > 0)
    output.say(
      withoutAuth === true
        ? "             without auth profiles"
        : "             including auth profiles (credentials); --without-auth leaves them out",
    )
  output.say(`Repository:  ${proposal.destination.displayName}`)
  const shown = proposal.lines.filter((line) => !SHOWN_ABOVE.test(line))
  for (const line of shown) output.say(`  ${line}`)
}

async function askSecret({ proposal }: InitPlan): Promise<Secret | undefined> {
  return await askPassphrase(`passphrase of the repository at ${proposal.destination.displayName}`)
}

/** Files that the flags name; without any, and without a terminal to show the words on, a sheet in the user's home. */
function wordsPlaces(call: Call, { workspace, proposal, home }: InitPlan): WordsPlace[] {
  const { destination, approved, config } = proposal
  const avoid = [
    workspace,
    ...(approved.stateDir === null ? [] : [approved.stateDir]),
    ...(destination.kind === "folder" ? [destination.location] : []),
  ]
  const places = prepareWordsFiles(call, avoid)
  if (canShowWords(call, places)) return places
  const folder = [call.environment["HOME"] ?? "", home.identityRoot].find(
    (each) => each !== "" && !avoid.some((root) => isWithin(realPlace(each), root)),
  )
  if (folder === undefined)
    throw new UsageError("there is no safe place for the recovery words. Use --recovery-sheet FILE")
  return [newSheet(unusedName(folder, config.workspace_id))]
}

function unusedName(folder: string, id: string): string {
  const named = (number: number): string =>
    join(folder, `holdfast-recovery-sheet-${id.slice(0, 8)}${number === 1 ? "" : `-${number}`}.txt`)
  let number = 1
  while (existsSync(named(number))) number++
  return named(number)
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
