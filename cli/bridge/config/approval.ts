/**
 * What a person has approved on this machine: the values of a configuration, in `approved.json` of the state folder
 * (0600). Of a later version of the file only four kinds of change take effect by themselves: a shorter interval, more
 * includes, fewer excludes, and longer retention. Everything else waits. spec/agent.md.
 */
import { createHash } from "node:crypto"
import { join } from "node:path"
import { readPrivateFile, refuseWritable, writePrivateFile } from "../../../engine/index.ts"
import { showText } from "../../../engine/base/show.ts"
import type { ProfileName } from "../setup.ts"
import type { Warning } from "../results.ts"
import {
  CONFIG_KEYS,
  CONFIG_NAME,
  DEFAULTS,
  SECRET_KEYS,
  type Config,
  type ConfigKey,
  type SecretKey,
} from "./config.ts"
import { maskSecrets } from "./scan-secrets.ts"

export const APPROVAL_NAME = "approved.json"

/** With what the file left open, as it was decided at the approval. */
export interface ApprovedConfig extends Config {
  readonly profile: ProfileName
  readonly agent_id: string
  readonly workspace_id: string
}

export interface Approved {
  readonly version: 1
  readonly workspace: string
  /** ISO 8601. */
  readonly time: string
  /** SHA-256 of the file's bytes, in hex: an unchanged file needn't be parsed. */
  readonly sha256: string
  readonly config: ApprovedConfig
  /** The host's own folder, real path; null if the profile has none. */
  readonly stateDir: string | null
  /** About the approved file: unknown keys. */
  readonly warnings: readonly Warning[]
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

/**
 * Undefined if nothing was approved, or the record can't be read: then a person must approve again.
 * @throws EngineError if another user could have written it
 */
export function readApproved(stateFolder: string): Approved | undefined {
  const path = join(stateFolder, APPROVAL_NAME)
  const text = readPrivateFile(path)
  if (text === undefined) return undefined
  refuseWritable(path)
  try {
    const value = JSON.parse(text) as Partial<Approved>
    const { version, config, sha256: digest } = value
    const isWhole = version === 1 && typeof digest === "string" && typeof config?.workspace_id === "string"
    return isWhole ? (value as Approved) : undefined
  } catch {
    return undefined
  }
}

export function writeApproved(stateFolder: string, approved: Approved): void {
  writePrivateFile(join(stateFolder, APPROVAL_NAME), `${JSON.stringify(approved, null, 2)}\n`)
}

export interface Effective {
  readonly config: ApprovedConfig
  /** One line for each change that needs approval. */
  readonly waiting: readonly Warning[]
}

/** The approved values with those changes of the file that need no approval. */
export function effectiveConfig(approved: ApprovedConfig, current: Config): Effective {
  const free = {
    interval_minutes: Math.min(intervalOf(approved), intervalOf(current)),
    retention_days: Math.max(retentionOf(approved), retentionOf(current)),
    include: includesOf(approved, current),
    exclude: (approved.exclude ?? []).filter((pattern) => current.exclude?.includes(pattern) === true),
  }
  const config = { ...approved, ...free }
  const waiting = CONFIG_KEYS.flatMap((key) => waitingLine(key, config, current) ?? [])
  return { config, waiting }
}

/** A first include of a profile that takes everything would leave the rest out. */
function includesOf(approved: ApprovedConfig, current: Config): readonly string[] {
  const before = approved.include ?? []
  if (before.length === 0 && approved.profile === "custom") return before
  return [...new Set([...before, ...(current.include ?? [])])]
}

/** Keys whose values mean something else in `after`. */
export function changedKeys(before: ApprovedConfig, after: ApprovedConfig): ConfigKey[] {
  return CONFIG_KEYS.filter((key) => comparable(before, key, before) !== comparable(after, key, before))
}

function waitingLine(key: ConfigKey, effective: ApprovedConfig, current: Config): Warning | undefined {
  const was = comparable(effective, key, effective)
  const is = comparable(current, key, effective)
  if (was === is) return undefined
  return {
    code: "waits-for-approval",
    message: `${CONFIG_NAME}: ${key}: ${shown(key, effective)} → ${shown(key, current)} waits for approval`,
    hint: "run: holdfast agent trust",
  }
}

/** Values that mean the same are equal. What the file leaves open was decided at the approval. */
function comparable(config: Config, key: ConfigKey, decided: ApprovedConfig): string {
  switch (key) {
    case "version":
      return ""
    case "profile":
    case "agent_id":
    case "workspace_id":
      return config[key] ?? decided[key]
    case "interval_minutes":
      return String(intervalOf(config))
    case "retention_days":
      return String(retentionOf(config))
    case "include":
    case "exclude":
      return JSON.stringify([...new Set(config[key])].toSorted())
    case "secrets_scan":
      return config.secrets_scan ?? DEFAULTS.secrets_scan
    case "without_auth":
    case "extra_tools":
      return String(config[key] ?? false)
    case "triggers":
      return JSON.stringify(triggersOf(config))
    case "provider":
      return config.provider === "aws" ? "s3" : (config.provider ?? "")
    case "path_prefix":
      return (config.path_prefix ?? "").replaceAll(/^\/+|\/+$/g, "")
    case "repository":
    case "endpoint":
    case "bucket":
    case "region":
    case "key_id":
    case "secret_key":
    case "credentials":
    case "encryption_key":
      return JSON.stringify(config[key]) ?? ""
  }
}

export function triggersOf({ triggers }: Config): {
  commands: readonly string[]
  sessionEnd: boolean
  beforeReset: boolean
  compaction: boolean
} {
  return {
    commands: triggers?.commands ?? DEFAULTS.commands,
    sessionEnd: triggers?.session_end ?? true,
    beforeReset: triggers?.before_reset ?? true,
    compaction: triggers?.compaction ?? true,
  }
}

export function intervalOf(config: Config): number {
  return config.interval_minutes ?? DEFAULTS.interval_minutes
}

export function retentionOf(config: Config): number {
  return config.retention_days ?? DEFAULTS.retention_days
}

const SHOWN_CHARACTERS_MAX = 120

/** For status and tools: one line, and no secret that somebody wrote into a field. */
function shown(key: ConfigKey, config: Config): string {
  const text = maskSecrets(shownWhole(key, config))
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`
}

/** Nothing else is left bare, so that no value can look like a part of the line around it. */
const BARE = /^[\w:/.,@+~$%={}\\-]+$/

/**
 * For the person who approves, so nothing is cut off. A reference is shown; a value that isn't one may be a secret,
 * and is not.
 */
export function shownWhole(key: ConfigKey, config: Config): string {
  const value = config[key]
  if (value === undefined) return "(not set)"
  if (
    isSecretKey(key) &&
    typeof value === "string" &&
    !/^(env|file|keychain|command|profile):|^\$\{/.test(value)
  )
    return "(hidden)"
  return showText(typeof value === "string" && BARE.test(value) ? value : JSON.stringify(value))
}

/** A key whose value would not be shown as it is. */
export function maskedKey(config: Config): ConfigKey | undefined {
  return CONFIG_KEYS.find((key) => {
    const text = shownWhole(key, config)
    return maskSecrets(text) !== text
  })
}

function isSecretKey(key: ConfigKey): key is SecretKey {
  return SECRET_KEYS.some((secret) => secret === key)
}
