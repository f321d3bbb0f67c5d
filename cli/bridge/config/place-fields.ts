/**
 * From a location as `-r` takes it to the fields of a configuration, and the location that `agent init` proposes.
 */
import { join, resolve } from "node:path"
import { parseAddress, parseEndpoint } from "../../../engine/index.ts"
import type { Config, Provider } from "./config.ts"
import { userHome, type Environment } from "./openclaw-places.ts"

export interface PlaceFlags {
  readonly location?: string | undefined
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

const HOSTS: readonly (readonly [RegExp, Provider])[] = [
  [/(^|\.)amazonaws\.com(\.cn)?$/, "s3"],
  [/\.backblazeb2\.com$/, "backblaze"],
  [/\.wasabisys\.com$/, "wasabi"],
  [/\.r2\.cloudflarestorage\.com$/, "r2"],
]

/** All agents of a user share one repository there: equal files are stored once. */
export function defaultRepositoryFolder(environment: Environment): string {
  return join(userHome(environment), "holdfast-backups")
}

/** @throws EngineError for a location that is none */
export function placeFields(flags: PlaceFlags, environment: Environment): Config {
  const address = parseAddress(flags.location ?? defaultRepositoryFolder(environment))
  if (address.kind === "local") return { provider: "local", repository: resolve(address.path) }
  const named = address.endpoint ?? flags.endpoint
  const endpoint =
    named ?? (environment["AWS_ENDPOINT_URL_S3"] || environment["AWS_ENDPOINT_URL"] || undefined)
  const region = flags.region ?? (environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || undefined)
  return {
    provider: endpoint === undefined ? "s3" : providerOf(endpoint),
    ...(endpoint === undefined ? {} : { endpoint: parseEndpoint(endpoint) }),
    bucket: address.bucket,
    ...(region === undefined ? {} : { region }),
    ...(address.prefix === "" ? {} : { path_prefix: address.prefix }),
  }
}

function providerOf(endpoint: string): Provider {
  const { hostname } = new URL(parseEndpoint(endpoint))
  return HOSTS.find(([host]) => host.test(hostname))?.[1] ?? "custom"
}
