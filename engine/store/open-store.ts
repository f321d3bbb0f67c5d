/**
 * Opens the store at a location: the adapter, wrapped from the inside out in a meter, the bandwidth limit and
 * the retries, so that every attempt is counted and limited. The S3 adapter and its SDK are loaded only for
 * an S3 location. See spec/stores.md.
 */
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { formatAddress, parseAddress, parseEndpoint, type S3Address } from "./address.ts"
import { limitedStore, type Bandwidth } from "./wrappers/limited-store.ts"
import { noStore } from "./folder/local-errors.ts"
import { createLocalRoot, localStore } from "./folder/local-store.ts"
import {
  meteredStore,
  noTraffic,
  requestsIn,
  type MeteredStore,
  type Requests,
} from "./wrappers/metered-store.ts"
import { probeStore, type StoreAbilities } from "./probe.ts"
import {
  PROVIDER_PROFILES,
  profileOfEndpoint,
  profileOfServer,
  regionOfEndpoint,
  type ProviderId,
  type ProviderProfile,
} from "./provider-profiles.ts"
import { retryingStore, SYSTEM_RETRY_PORTS, type RetryPorts } from "./wrappers/retrying-store.ts"
import { credentialsByReference, type S3Credentials, type S3CredentialsSource } from "./s3/s3-credentials.ts"
import type { S3StoreSettings } from "./s3/s3-store.ts"
import type { Store } from "./store.ts"

export interface OpenStoreOptions extends Bandwidth {
  /** Creates a missing local folder. Only `init` does. */
  readonly create?: boolean | undefined
  /** For S3. Overrides the environment; an endpoint in the location overrides this. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly provider?: ProviderId | undefined
  readonly addressing?: "path" | "virtual" | undefined
  readonly credentials?: S3Credentials | S3CredentialsSource | undefined
  /**
   * Reference to the credentials: `env:`, `file:`, `command:`, `keychain:`, or `profile:` of the AWS files.
   */
  readonly credentialsFrom?: string | undefined
  readonly caFile?: string | undefined
  readonly conditionalPut?: boolean | undefined
  readonly retryPorts?: RetryPorts | undefined
}

/** Environment variables, such as process.env. */
export type StoreEnvironment = Readonly<Record<string, string | undefined>>

export interface OpenedStore extends MeteredStore {
  /** The provider's profile, derived from the location; undefined for a folder. */
  readonly provider?: ProviderProfile
  /** Tests what the store supports. Absent for a folder, which supports everything. */
  readonly probe?: () => Promise<StoreAbilities>
  /** Makes every later put conditional. Only for a store whose probe showed that this works. */
  readonly guardPuts?: () => void
}

/** Of a store that was opened by `openStore`. */
export function probeOf(store: Store): OpenedStore["probe"] {
  return (store as Partial<OpenedStore>).probe
}

/**
 * Requires that a local folder exists. Makes no request, because a run without changes makes none.
 * @throws not-found "no-store"
 */
export function requireFolder({ folder }: Store): void {
  if (folder !== undefined && !existsSync(folder)) throw noStore(folder)
}

/**
 * Makes puts conditional where `init` found that this works. The finding may come from the original of a
 * mirror, so a provider that refuses conditional puts is left out. Does nothing to a store that `openStore`
 * did not open.
 */
export function guardPuts(store: Store, found: Readonly<Record<string, unknown>>): void {
  const { provider, guardPuts: guard } = store as Partial<OpenedStore>
  if (found["conditionalPut"] === "works" && provider?.conditionalPut !== "refused") guard?.()
}

/**
 * Whether exactly one of several PUTs of one name with different bytes succeeds. Makes later PUTs conditional
 * where that was found to work.
 */
export function createsExclusively(store: Store, found: Readonly<Record<string, unknown>>): boolean {
  if (!store.location.startsWith("s3:")) return true
  guardPuts(store, found)
  return found["conditionalPut"] === "works" && providerOf(store)?.conditionalPut !== "refused"
}

/** Of a store that was opened by `openStore`. */
export function providerOf(store: Store): OpenedStore["provider"] {
  return (store as Partial<OpenedStore>).provider
}

/** What a store that was opened by `openStore` was asked for since then. */
export function requestsOf(store: Store): Requests {
  return requestsIn((store as Partial<OpenedStore>).traffic?.() ?? noTraffic())
}

/**
 * Opens a folder or an S3 bucket. Sends no request: a store that can't be reached fails at its first call.
 * @param location as for `parseAddress`
 * @param environment for the credentials, as every AWS tool reads them
 * @throws invalid for a wrong location or option
 * @example
 * const store = await openStore("/mnt/backups/notes")
 */
export async function openStore(
  location: string,
  options: OpenStoreOptions = {},
  environment: StoreEnvironment = process.env,
): Promise<OpenedStore> {
  const address = parseAddress(location)
  const counts = noTraffic()
  const wrapped = (adapter: Store): OpenedStore => {
    const metered = meteredStore(adapter, counts)
    const retrying = retryingStore(limitedStore(metered, options), options.retryPorts ?? SYSTEM_RETRY_PORTS)
    return { ...retrying, traffic: () => metered.traffic() }
  }
  if (address.kind === "local") {
    if (options.create === true) await createLocalRoot(address.path)
    return wrapped(localStore(address.path))
  }
  const { openS3Store } = await import("./s3/s3-store.ts")
  const settings = s3Settings(address, options, environment)
  const adapter = await openS3Store(settings)
  const provider = profileOf(options, settings.endpoint)
  const store = wrapped(adapter)
  const probe = async (): Promise<StoreAbilities> => {
    const guarded = wrapped(await openS3Store({ ...settings, conditionalPut: true }))
    const ignoresRanges = (): boolean => adapter.ignoresRanges()
    const nonce = randomBytes(16).toString("hex")
    const found = await probeStore({ store, guarded, ignoresRanges, nonce })
    return { provider: profileOfServer(provider, adapter.serverName()).id, ...found }
  }
  return { ...store, provider, probe, guardPuts: () => adapter.guardPuts() }
}

/**
 * @returns the name under which a location is remembered: the same for every way to write one place
 * @throws as `parseAddress`
 */
export function locationName(
  location: string,
  options: OpenStoreOptions = {},
  environment: StoreEnvironment = process.env,
): string {
  const address = parseAddress(location)
  if (address.kind === "local") return localStore(address.path).location
  return formatAddress({ ...address, endpoint: endpointOf(address, options, environment) })
}

/** Combines the location, the options, the environment and the provider's profile. */
export function s3Settings(
  address: S3Address,
  options: OpenStoreOptions,
  environment: StoreEnvironment,
): S3StoreSettings {
  const endpoint = endpointOf(address, options, environment)
  const profile = profileOf(options, endpoint)
  // The certificate of *.amazonaws.com does not cover a bucket name with a dot.
  const addressing = address.bucket.includes(".") ? "path" : profile.addressing
  const region = options.region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
  return {
    bucket: address.bucket,
    prefix: address.prefix,
    endpoint,
    region: region ?? regionOfEndpoint(profile, endpoint),
    addressing: options.addressing ?? addressing,
    checksum: profile.checksum,
    ...credentialsOf(options, environment),
    caFile: options.caFile,
    conditionalPut: options.conditionalPut,
  }
}

function credentialsOf(
  { credentials, credentialsFrom }: OpenStoreOptions,
  environment: StoreEnvironment,
): Pick<S3StoreSettings, "credentials" | "profile"> {
  if (credentials !== undefined || credentialsFrom === undefined) return { credentials }
  const ports = { environment, platform: process.platform, nowMs: Date.now }
  return credentialsByReference(credentialsFrom, ports)
}

function profileOf({ provider }: OpenStoreOptions, endpoint: string | undefined): ProviderProfile {
  return provider === undefined ? profileOfEndpoint(endpoint) : PROVIDER_PROFILES[provider]
}

function endpointOf(
  address: S3Address,
  options: OpenStoreOptions,
  environment: StoreEnvironment,
): string | undefined {
  const text =
    address.endpoint ??
    options.endpoint ??
    environment["AWS_ENDPOINT_URL_S3"] ??
    environment["AWS_ENDPOINT_URL"]
  return text === undefined || text === "" ? undefined : parseEndpoint(text)
}
