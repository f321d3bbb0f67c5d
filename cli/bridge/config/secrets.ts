/**
 * Resolves the references of an approved configuration, at the moment a secret is needed. In order: what the host
 * has resolved, this machine's private.json, the configuration, the key that `agent init` made. No message contains a
 * value.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import {
  openRepository,
  openStore,
  readPrivateFile,
  readSecret,
  refuseWritable,
  type Home,
  type OpenStoreOptions,
  type Repository,
  type Secret,
  type Store,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { Destination, HostSecrets } from "../setup.ts"
import {
  relativeFileOf,
  SECRET_KEYS,
  type Config,
  type Reference,
  type SecretKey,
  type SecretRef,
} from "./config.ts"
import { expandHome, readOpenClawConfig, type Environment } from "./openclaw-places.ts"
import { madeKeyPath } from "./places.ts"

export const PRIVATE_NAME = "private.json"

/** Of this machine alone, 0600, out of the agent's reach as far as its user's shell is; `command:` is allowed here. */
export interface PrivateConfig {
  readonly key_id?: Reference
  readonly secret_key?: Reference
  readonly credentials?: Reference
  readonly encryption_key?: Reference
  readonly notify_command?: string
}

export function readPrivateConfig(stateFolder: string): PrivateConfig {
  const path = join(stateFolder, PRIVATE_NAME)
  const text = readPrivateFile(path)
  if (text === undefined) return {}
  refuseWritable(path) // it may name a command
  const config = parsePrivate(text)
  if (config === undefined)
    throw new AgentProblem("private-config", `${path} is not valid JSON`, "correct or remove the file")
  const relative = SECRET_KEYS.find((key) => {
    const value = config[key]
    return typeof value === "string" && relativeFileOf(value) !== undefined
  })
  if (relative === undefined) return config
  throw new AgentProblem("private-config", `${path}: /${relative}: file: needs an absolute path, or ~/PATH`)
}

function parsePrivate(text: string): PrivateConfig | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

export interface SecretSources {
  readonly config: Config & { readonly workspace_id: string }
  readonly stateFolder: string
  readonly home: Home
  readonly environment: Environment
  readonly hostSecrets: HostSecrets | undefined
}

const HOST_NAMES: Readonly<Partial<Record<SecretKey, keyof HostSecrets>>> = {
  key_id: "keyId",
  secret_key: "secretKey",
  encryption_key: "encryptionKey",
}

/** Undefined if nothing names the secret. */
async function secretOf(key: SecretKey, sources: SecretSources): Promise<string | undefined> {
  const name = HOST_NAMES[key]
  const given = name === undefined ? undefined : sources.hostSecrets?.[name]
  if (given) return given
  const reference = readPrivateConfig(sources.stateFolder)[key] ?? sources.config[key]
  return reference === undefined ? undefined : await resolve(reference, key, sources.environment)
}

const STORE_KEYS = ["key_id", "secret_key", "credentials"] as const

/** Null: nothing refers to credentials, and the AWS default chain is used. */
export function storeVariables(stateFolder: string, config: Config): string[] | null {
  const own = readPrivateConfig(stateFolder)
  const references = STORE_KEYS.flatMap((key) => own[key] ?? config[key] ?? [])
  if (references.length === 0) return null
  return references.flatMap((reference) => {
    if (typeof reference === "object") return reference.source === "env" ? [reference.id] : []
    const [, plain, braced] = /^(?:env:(.+)|\$\{(.+)\})$/.exec(reference) ?? []
    return plain ?? braced ?? []
  })
}

async function resolve(reference: Reference, what: SecretKey, environment: Environment): Promise<string> {
  const ports = { environment, platform: process.platform }
  if (typeof reference !== "string") return await fromHost(reference, what, environment)
  const variable = /^\$\{(.+)\}$/.exec(reference)?.[1]
  return await readSecret(variable === undefined ? reference : `env:${variable}`, what, ports)
}

/** OpenClaw's sources `env` and `file`; only the host itself can resolve the others. */
async function fromHost(
  { source, provider = "default", id }: SecretRef,
  what: SecretKey,
  environment: Environment,
): Promise<string> {
  const ports = { environment, platform: process.platform }
  if (source === "env") return await readSecret(`env:${id}`, what, ports)
  if (source !== "file") {
    const message = `${what}: a SecretRef of source "${source}" is resolved only inside OpenClaw`
    throw new AgentProblem(
      "host-secret",
      message,
      "run it through the plugin, or use env:, file: or keychain:",
    )
  }
  const { secrets } = await readOpenClawConfig(environment)
  const found = secrets?.providers?.[provider] as Readonly<Record<string, unknown>> | undefined
  const path = found?.["source"] === "file" ? found["path"] : undefined
  if (typeof path !== "string")
    throw new AgentProblem("host-secret", `${what}: openclaw.json has no file provider "${provider}"`)
  const text = await readSecret(`file:${expandHome(path, environment)}`, what, ports)
  if (found?.["mode"] === "singleValue") return text
  const value = atPointer(text, id)
  if (typeof value === "string" && value !== "") return value
  throw new AgentProblem("host-secret", `${what}: ${path} has no text at ${id}`)
}

/** RFC 6901. */
function atPointer(text: string, pointer: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}

/** Opens the store of an approved destination. Sends no request, and reads no secret before the first one. */
export async function openDestination(destination: Destination, sources: SecretSources): Promise<Store> {
  const { location, endpoint, region } = destination
  if (destination.kind === "folder") return await openStore(location, {}, sources.environment)
  const options: OpenStoreOptions = { endpoint, region, ...credentialsOf(sources) }
  return await openStore(location, options, sources.environment)
}

function credentialsOf(sources: SecretSources): Pick<OpenStoreOptions, "credentials" | "credentialsFrom"> {
  const { hostSecrets, config, stateFolder } = sources
  const own = readPrivateConfig(stateFolder)
  const isHosts = Boolean(hostSecrets?.keyId || hostSecrets?.secretKey)
  const both = isHosts
    ? undefined
    : (own.credentials ?? (own.secret_key === undefined ? config.credentials : undefined))
  if (typeof both === "string" && !both.startsWith("${")) return { credentialsFrom: both }
  const isNamed =
    isHosts || [own, config].some(({ key_id, secret_key }) => (key_id ?? secret_key) !== undefined)
  if (both === undefined && !isNamed) return {}
  return {
    async credentials() {
      if (both !== undefined) return pairOf(await resolve(both, "credentials", sources.environment))
      const accessKeyId = await secretOf("key_id", sources)
      const secretAccessKey = await secretOf("secret_key", sources)
      if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey }
      throw new AgentProblem("credentials-incomplete", "key_id and secret_key are needed together")
    },
  }
}

function pairOf(text: string): { accessKeyId: string; secretAccessKey: string } {
  const [, accessKeyId, secretAccessKey] = /^\s*([^:\s]+):(\S+)\s*$/.exec(text) ?? []
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey }
  throw new AgentProblem("credentials-form", "credentials: expected KEY_ID:SECRET_KEY")
}

/** The key of the repository: the one that the configuration names, or the one that `agent init` made. */
export async function encryptionKey(sources: SecretSources): Promise<Secret | undefined> {
  const named = await secretOf("encryption_key", sources)
  if (named !== undefined) return { kind: "key", bytes: keyBytes(named) }
  const made = madeKeyPath(sources.home, sources.config.workspace_id)
  if (!existsSync(made)) return undefined
  return {
    kind: "key",
    bytes: keyBytes(await resolve(`file:${made}`, "encryption_key", sources.environment)),
  }
}

/** 32 bytes in base64 (both alphabets) or hex. */
export function keyBytes(text: string): Uint8Array {
  const bare = text.trim()
  if (/^[0-9a-fA-F]{64}$/.test(bare)) return new Uint8Array(Buffer.from(bare, "hex"))
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(bare)) return new Uint8Array(Buffer.from(bare, "base64"))
  throw new AgentProblem(
    "encryption-key",
    "encryption_key: expected 32 bytes in base64",
    "make one with: head -c 32 /dev/urandom | base64",
  )
}

/** Enrols this device with the key if it has none of its own yet. */
export async function openAgentRepository(
  destination: Destination,
  sources: SecretSources,
): Promise<Repository> {
  const store = await openDestination(destination, sources)
  return await openRepository({
    store,
    home: sources.home,
    write: true,
    secret: () => encryptionKey(sources),
  })
}

/** Why a reference can't be read; undefined if it can. The value is dropped. */
export async function trySecret(
  reference: Reference,
  what: SecretKey,
  environment: Environment,
): Promise<string | undefined> {
  if (typeof reference === "string" && /^(command|profile):/.test(reference)) return undefined
  try {
    await resolve(reference, what, environment)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
