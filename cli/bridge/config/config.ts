/**
 * The values of a `session-sync-config.json`, under the names that the file has. config-file.ts reads them,
 * config-schema.ts checks them. A secret is never one of them: secret fields hold references. spec/agent.md.
 */
import { isAbsolute, resolve } from "node:path"
import type { ProfileName } from "../setup.ts"

export const CONFIG_NAME = "session-sync-config.json"

export const PROFILE_NAMES = [
  "openclaw-memory",
  "openclaw-sessions",
  "openclaw-full",
  "claude-code",
  "codex",
  "gemini-cli",
  "custom",
] as const

/** `s3` and `aws` are the same. */
export const PROVIDERS = [
  "local",
  "s3",
  "aws",
  "backblaze",
  "minio",
  "wasabi",
  "r2",
  "ceph",
  "custom",
] as const

export type Provider = (typeof PROVIDERS)[number]

/** OpenClaw's form of a reference. */
export interface SecretRef {
  readonly source: string
  readonly provider?: string | undefined
  readonly id: string
}

/** `env:NAME`, `file:PATH`, `keychain:NAME`, `${NAME}` as OpenClaw has it, or an object. */
export type Reference = string | SecretRef

/** Of a typed reference, what is kept: cron and services start in another folder. */
export function absoluteReference(reference: string): string {
  const path = relativeFileOf(reference)
  return path === undefined ? reference : `file:${resolve(path)}`
}

/** The path of `file:PATH` if it means another file in each folder. */
export function relativeFileOf(reference: string): string | undefined {
  const path = /^file:(.+)$/s.exec(reference)?.[1]
  return path === undefined || isAbsolute(path) || path.startsWith("~/") ? undefined : path
}

export interface Config {
  readonly version?: 1 | undefined
  readonly profile?: ProfileName | undefined
  readonly agent_id?: string | undefined
  readonly workspace_id?: string | undefined
  readonly provider?: Provider | undefined
  /** A folder, for provider `local`. */
  readonly repository?: string | undefined
  readonly endpoint?: string | undefined
  readonly bucket?: string | undefined
  readonly region?: string | undefined
  readonly path_prefix?: string | undefined
  readonly key_id?: Reference | undefined
  readonly secret_key?: Reference | undefined
  /** Both in one, instead of key_id and secret_key. */
  readonly credentials?: Reference | undefined
  readonly encryption_key?: Reference | undefined
  readonly interval_minutes?: number | undefined
  readonly retention_days?: number | undefined
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  readonly without_auth?: boolean | undefined
  readonly secrets_scan?: "warn" | "block" | "off" | undefined
  readonly triggers?: Triggers | undefined
  readonly extra_tools?: boolean | undefined
}

export interface Triggers {
  readonly commands?: readonly string[] | undefined
  readonly session_end?: boolean | undefined
  readonly before_reset?: boolean | undefined
  readonly compaction?: boolean | undefined
}

export type ConfigKey = keyof Config

export const CONFIG_KEYS = [
  "version",
  "profile",
  "agent_id",
  "workspace_id",
  "provider",
  "repository",
  "endpoint",
  "bucket",
  "region",
  "path_prefix",
  "key_id",
  "secret_key",
  "credentials",
  "encryption_key",
  "interval_minutes",
  "retention_days",
  "include",
  "exclude",
  "without_auth",
  "secrets_scan",
  "triggers",
  "extra_tools",
] as const

/** Their values are references; anything else may be the secret itself. */
export const SECRET_KEYS = ["key_id", "secret_key", "credentials", "encryption_key"] as const

export type SecretKey = (typeof SECRET_KEYS)[number]

export const INTERVAL_MINUTES_MIN = 5
export const INTERVAL_MINUTES_MAX = 1440

/** Of a configuration that doesn't name them. */
export const DEFAULTS = {
  interval_minutes: 15,
  retention_days: 30,
  secrets_scan: "warn",
  commands: ["wrap_up", "wrapup"],
} as const
