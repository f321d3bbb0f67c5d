/**
 * `holdfast agent init`: shows the plan, asks, carries it out, and delivers the recovery words. Secrets come as in
 * `holdfast init`; a repository of its own gets a random key that is kept in the home.
 */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { openHome, shellWord } from "../../../engine/index.ts"
import { findHostWorkspace } from "../../bridge/config/host-workspace.ts"
import {
  carryOutInit,
  planInit,
  type InitPlan,
  type InitRequest,
  type InitResult,
} from "../../bridge/config/init.ts"
import { PROFILES } from "../../bridge/config/profiles.ts"
import { readApproved } from "../../bridge/config/approval.ts"
import { expandHome, realPlace } from "../../bridge/config/openclaw-places.ts"
import { stateFolderOf } from "../../bridge/config/places.ts"
import { CONFIG_NAME } from "../../bridge/config/config.ts"
import { defaultRepositoryFolder } from "../../bridge/config/place-fields.ts"
import type { ProfileName } from "../../bridge/setup.ts"
import { VERSION } from "../../../engine/base/version.ts"
import { showText } from "../../../engine/base/show.ts"
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
import {
  askWordsOrPassphrase,
  givenSecrets,
  withTypedTries,
  WORDS_OR_PASSPHRASE,
} from "../../secrets/secrets.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { givenCredentials } from "./workspace.ts"
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
    credentials: givenCredentials(call),
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
  let isTyped = false
  const attempt = (): Promise<InitResult> =>
    carryOutInit(plan, {
      role: options.text("role") === "writer" ? "writer" : "full",
      given: givenSecrets(call),
      async ask() {
        const typed = await askWordsOrPassphrase()
        isTyped = typed !== undefined
        return typed
      },
      deliver(made, facts) {
        places.push(...wordsPlaces(call, plan))
        deliverWords(call, made, places, { ...facts, wayBack: wayBack(plan, facts.location) })
        words = made
        const [first] = places
        return first === undefined ? null : resolve(first.path)
      },
    })
  const result = await keepingPlaces(places, () =>
    withTypedTries(attempt, () => isTyped, WORDS_OR_PASSPHRASE),
  )
  const { repository, config } = result
  output.structured(result)
  output.say(
    `${repository.created ? "created" : "connected to"} repository ${repository.id.slice(0, 8)}: ${repository.displayName}`,
  )
  output.say(`wrote and approved ${config}`)
  for (const { message } of result.warnings) output.warn(message)
  if (words !== undefined && asks && places.length === 0)
    await askTwoWords(call, plan.proposal.stateFolder, words, "Write the words down now. ")
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

/** Of the recovery sheet. */
function wayBack({ workspace, proposal }: InitPlan, location: string): string[] {
  const { kind, region } = proposal.destination
  const isBucket = kind === "s3"
  const flags = [
    `-r ${shellWord(location)}`,
    ...(isBucket && region !== undefined ? [`--region ${shellWord(region)}`] : []),
    ...(isBucket ? ["--credentials file:keys"] : []),
  ]
  return [
    "To get everything back on an empty machine, put the 24 words into a file named",
    "words.txt, in their order.",
    ...(isBucket ? ["Put KEY_ID:SECRET_KEY of the bucket into a file named keys."] : []),
    "Then type:",
    "",
    `  npm install --global ./holdfast-${VERSION}.tgz`,
    `  chmod 600 words.txt${isBucket ? " keys" : ""}`,
    `  holdfast agent restore latest --workspace DIR ${flags.join(" ")} --recovery-words-file words.txt`,
    "",
    `DIR is the agent's workspace, here ${showText(workspace)}.`,
    "If the repository has several agents, restore each into a workspace of its own.",
  ]
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
