/**
 * `agent doctor`: what is wrong with the configuration of a workspace, its secrets, its words, and the host's files on
 * this machine. The engine's doctor examines the repository and the store.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Finding, Repository } from "../../../engine/index.ts"
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"
import { readApproved } from "./approval.ts"
import { SECRET_KEYS, type Config } from "./config.ts"
import { expandHome, readOpenClawConfig, type Environment } from "./openclaw-places.ts"
import { madeKeyPath } from "./places.ts"
import { PROFILES, PROFILES_VERSION } from "./profiles.ts"
import { readPrivateConfig, trySecret } from "./secrets.ts"
import { readWordsState } from "./words.ts"

/** @returns findings that need no request */
export async function examineSetup(setup: Setup, environment: Environment): Promise<Finding[]> {
  return [
    ...configuration(setup),
    ...(await secrets(setup, environment)),
    ...words(setup),
    ...capture(setup),
    ...(await host(setup, environment)),
  ]
}

function configuration({ configPath, waiting, warnings }: Setup): Finding[] {
  const subject = "configuration"
  const found = [...waiting, ...warnings.filter(({ code }) => code !== "words-not-confirmed")]
  if (found.length === 0) return [{ level: "good", subject, message: `${configPath} is approved` }]
  return found.map(({ message, hint }: Warning) => ({ level: "warning", subject, message, advice: hint }))
}

async function secrets(setup: Setup, environment: Environment): Promise<Finding[]> {
  const subject = "secrets"
  const approved = readApproved(setup.stateFolder)?.config
  if (approved === undefined) return []
  const config: Config = { ...approved, ...readPrivateConfig(setup.stateFolder) }
  const findings: Finding[] = []
  for (const key of SECRET_KEYS) {
    const reference = config[key]
    if (reference === undefined) continue
    const failed = await trySecret(reference, key, environment)
    if (failed !== undefined) findings.push({ level: "bad", subject, message: failed })
    if (typeof reference === "string") findings.push(...exposed(setup, reference, environment))
  }
  if (config.encryption_key === undefined) findings.push(...madeKey(setup))
  return findings.length > 0 ? findings : [{ level: "good", subject, message: "all references can be read" }]
}

/** A key beside what it protects goes where that goes. */
function exposed({ roots }: Setup, reference: string, environment: Environment): Finding[] {
  const path = reference.startsWith("file:") ? expandHome(reference.slice("file:".length), environment) : ""
  const root = roots.find((each) => path.startsWith(`${each.path}/`))
  if (root === undefined) return []
  const message = `${path} is inside ${root.path}, where the agent can read it`
  return [{ level: "bad", subject: "secrets", message, advice: "move it, and change the reference" }]
}

function madeKey({ home, settings }: Setup): Finding[] {
  const path = madeKeyPath(home, settings.workspaceId)
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  if (mode === undefined || process.platform === "win32" || (mode & 0o077) === 0) return []
  const message = `other users can read ${path}`
  return [{ level: "bad", subject: "secrets", message, advice: `run: chmod 600 ${path}` }]
}

function words({ stateFolder }: Setup): Finding[] {
  const subject = "recovery words"
  const state = readWordsState(stateFolder)
  if (state === undefined) return []
  if (state.confirmed) {
    const isThere = state.sheet !== null && existsSync(state.sheet)
    if (!isThere) return [{ level: "good", subject, message: "confirmed" }]
    const message = `the sheet ${state.sheet} is still on this machine`
    return [
      { level: "warning", subject, message, advice: "print it, keep it elsewhere, and delete the file" },
    ]
  }
  const message = "nobody has confirmed that the words are kept somewhere"
  return [{ level: "warning", subject, message, advice: "run: holdfast agent init --confirm-words" }]
}

/** SQLite reads a live database only if it can use the files beside it. */
function capture({ roots, settings, capture: rules }: Setup): Finding[] {
  const subject = "capture"
  const state = roots.find(({ name }) => name === "state")
  if (!rules.sqlite || state === undefined) return []
  const path = join(state.path, "agents", settings.agentId, "agent", "openclaw-agent.sqlite")
  try {
    accessSync(path, constants.R_OK)
    accessSync(dirname(path), constants.W_OK)
    return [{ level: "good", subject, message: `${path} can be copied while it is in use` }]
  } catch {
    const message = existsSync(path)
      ? `${path} can't be read with its log`
      : `${path} doesn't exist: there are no conversations to back up`
    return [{ level: "warning", subject, message, advice: "run holdfast as the user that runs the agent" }]
  }
}

async function host({ settings }: Setup, environment: Environment): Promise<Finding[]> {
  const subject = "host"
  const { host: name, seenIn } = PROFILES[settings.profile]
  if (name === undefined) return []
  const known = `profile ${settings.profile} was made for ${seenIn} (table ${PROFILES_VERSION})`
  const version =
    name === "openclaw" ? (await readOpenClawConfig(environment)).meta?.lastTouchedVersion : undefined
  const here = typeof version === "string" && /^[\w.+-]{1,40}$/.test(version) ? version : undefined
  if (here === undefined) return [{ level: "good", subject, message: known }]
  if (seenIn.endsWith(here))
    return [{ level: "good", subject, message: `${seenIn}, for which the profile was made` }]
  return [
    {
      level: "warning",
      subject,
      message: `${known}; this one is ${here}`,
      advice: "check that `holdfast ls latest` lists what you need",
    },
  ]
}

/** A key that may delete is what ransomware needs. As found when the repository was made. */
export function mayDelete({ location, session }: Repository): Finding[] {
  if (!location.startsWith("s3:") || session.trust.state.store["removal"] !== "works") return []
  return [
    {
      level: "warning",
      subject: "store",
      message:
        "this machine's S3 key may delete objects: whoever takes over the machine can destroy the backups",
      advice: "use a key without the right to delete and `--role writer`, or a bucket with object lock",
    },
  ]
}
