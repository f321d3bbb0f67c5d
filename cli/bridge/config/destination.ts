/**
 * From the fields of a configuration to a repository's location: provider, bucket and region give the endpoint, and
 * bucket and path_prefix the place in it.
 */
import { basename, isAbsolute } from "node:path"
import type { Warning } from "../results.ts"
import type { Destination } from "../setup.ts"
import { CONFIG_NAME, type Config, type Provider } from "./config.ts"
import { expandHome, type Environment } from "./openclaw-places.ts"

const TITLES: Readonly<Record<Provider, string>> = {
  local: "folder",
  s3: "Amazon S3",
  aws: "Amazon S3",
  backblaze: "Backblaze B2",
  minio: "MinIO",
  wasabi: "Wasabi",
  r2: "Cloudflare R2",
  ceph: "Ceph",
  custom: "S3",
}

/** The endpoint of a region; a provider without one needs the field. */
const ENDPOINTS: Readonly<Partial<Record<Provider, (region: string) => string>>> = {
  s3: awsEndpoint,
  aws: awsEndpoint,
  backblaze: (region) => `https://s3.${region}.backblazeb2.com`,
  wasabi: (region) => `https://s3.${region}.wasabisys.com`,
}

function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`
}

/** AWS's address without a region, which redirects requests for buckets elsewhere. */
const AWS_GLOBAL = /^(https?:\/\/)?s3\.amazonaws\.com\/?$/i

/** What is wrong, or the place. Opens nothing. */
export function destinationOf(config: Config, environment: Environment): Destination | Warning {
  const { provider, repository, bucket } = config
  if (provider === "local" || (provider === undefined && repository !== undefined))
    return folderOf(config, environment)
  if (provider === undefined && bucket === undefined && config.endpoint === undefined)
    return wrong(
      "no-destination",
      "names no destination",
      'add "provider": "local" and "repository": "/a/folder", or "bucket"',
    )
  if (bucket === undefined) return wrong("no-destination", "/bucket: is missing")
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket))
    return wrong("config-invalid", "/bucket: is not a bucket's name")
  if (repository !== undefined)
    return wrong("config-invalid", '/repository: is for provider "local"; a bucket has path_prefix')
  return bucketOf(config, provider ?? "custom", bucket)
}

function folderOf({ repository, bucket }: Config, environment: Environment): Destination | Warning {
  if (repository === undefined) return wrong("no-destination", "/repository: is missing")
  if (bucket !== undefined) return wrong("config-invalid", '/bucket: is not for provider "local"')
  const location = expandHome(repository, environment)
  if (!isAbsolute(location)) return wrong("config-invalid", "/repository: expected an absolute path")
  const none = { endpoint: undefined, region: undefined, credentialsFrom: undefined }
  return { kind: "folder", location, ...none, displayName: location }
}

function bucketOf(config: Config, provider: Provider, bucket: string): Destination | Warning {
  const isAws = provider === "s3" || provider === "aws"
  const isGlobal = isAws && (config.endpoint === undefined || AWS_GLOBAL.test(config.endpoint))
  const region = config.region ?? (isGlobal && config.endpoint !== undefined ? "us-east-1" : undefined)
  const endpoint = isGlobal || config.endpoint === undefined ? endpointOf(provider, region) : config.endpoint
  if (typeof endpoint !== "string") return endpoint
  const host = hostOf(endpoint)
  if (host === undefined)
    return wrong(
      "config-invalid",
      "/endpoint: expected https://HOST or https://HOST:PORT without a path or credentials",
    )
  const prefix = (config.path_prefix ?? "").replaceAll(/^\/+|\/+$/g, "")
  const place = prefix === "" ? bucket : `${bucket}/${prefix}`
  return {
    kind: "s3",
    location: `s3://${place}`,
    endpoint: endpoint.replace(/\/+$/, ""),
    region,
    credentialsFrom: typeof config.credentials === "string" ? config.credentials : undefined,
    displayName: `${TITLES[provider]}: ${place} at ${host}`,
  }
}

function endpointOf(provider: Provider, region: string | undefined): string | Warning {
  const make = ENDPOINTS[provider]
  if (make === undefined)
    return wrong("no-destination", `/endpoint: is missing; provider "${provider}" needs it`)
  if (region === undefined) return wrong("no-destination", "/region: is missing")
  return make(region)
}

function hostOf(endpoint: string): string | undefined {
  const url = URL.parse(/^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`)
  if (url === null || url.username !== "" || url.password !== "") return undefined
  return url.pathname === "/" && url.search === "" && url.hash === "" ? url.host : undefined
}

function wrong(code: string, what: string, hint?: string): Warning {
  return { code, message: `${basename(CONFIG_NAME)}: ${what}`, hint }
}
