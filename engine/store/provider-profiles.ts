/**
 * Differences between S3 providers, as data: how a bucket is addressed, how long a deleted object is billed,
 * list prices. Safety does not depend on a profile: a wrong one costs money or a clear error, never data.
 * Each price list has the date on which it was read.
 */

export type ProviderId = "aws" | "backblaze" | "wasabi" | "r2" | "minio" | "ceph" | "custom"

export interface ProviderProfile {
  readonly id: ProviderId
  readonly title: string
  /** Matches the endpoint's host; its first group, if it has one, is the region. */
  readonly host: RegExp | undefined
  /** Matches the `Server` header of software that runs on any host. */
  readonly server?: RegExp
  /** Whether the address is `host/bucket` or `bucket.host`. */
  readonly addressing: "path" | "virtual"
  /**
   * Sent with each PUT besides the signed hash. AWS requires one for buckets with an object lock; clones may
   * refuse any.
   */
  readonly checksum: "sha256" | "none"
  /** Default if neither the user nor the host names one. */
  readonly region: string | undefined
  /** `If-None-Match: *` as documented or observed; `init` tests the store itself. */
  readonly conditionalPut: "works" | "refused" | "unknown"
  /** Deleting hides an object, which is billed until a lifecycle rule removes it. */
  readonly deleteHides: boolean
  /** An object is billed for at least this long, so prune waits. */
  readonly minimumDays: number
  /** Smaller objects are billed as this many bytes. */
  readonly minimumObjectBytes: number
  readonly prices: Prices | undefined
}

/**
 * US dollars, storage in the provider's usual class, without taxes and without free tiers of less than 1 TB.
 */
export interface Prices {
  /** ISO date on which they were read or published. */
  readonly asOf: string
  readonly storagePerTbMonth: number
  readonly putPer1000: number
  readonly listPer1000: number
  readonly getPer1000: number
  readonly egressPerGb: number
  /** Free egress per month. */
  readonly freeEgress: { readonly gb: number } | { readonly timesStored: number } | "all"
  /** Billed even if less is stored. */
  readonly minimumStoredTb: number
}

const SELF_HOSTED = {
  host: undefined,
  addressing: "path",
  checksum: "none",
  region: "us-east-1",
  deleteHides: false,
  minimumDays: 0,
  minimumObjectBytes: 0,
  prices: undefined,
} as const

export const PROVIDER_PROFILES: Readonly<Record<ProviderId, ProviderProfile>> = {
  aws: {
    id: "aws",
    title: "Amazon S3 (Standard)",
    host: /(?:^|\.)s3(?:[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:\.cn)?$/,
    addressing: "virtual",
    checksum: "sha256",
    region: undefined,
    conditionalPut: "works",
    deleteHides: false,
    minimumDays: 0,
    minimumObjectBytes: 0,
    prices: {
      asOf: "2025-10-28",
      storagePerTbMonth: 23,
      putPer1000: 0.005,
      listPer1000: 0.005,
      getPer1000: 0.0004,
      egressPerGb: 0.09,
      freeEgress: { gb: 100 },
      minimumStoredTb: 0,
    },
  },
  backblaze: {
    id: "backblaze",
    title: "Backblaze B2",
    host: /^(?:.+\.)?s3\.([a-z0-9-]+)\.backblazeb2\.com$/,
    addressing: "path",
    checksum: "none",
    region: "us-west-004",
    conditionalPut: "refused",
    deleteHides: true,
    minimumDays: 0,
    minimumObjectBytes: 0,
    prices: {
      asOf: "2026-09-11",
      storagePerTbMonth: 6.95,
      putPer1000: 0,
      listPer1000: 0,
      getPer1000: 0,
      egressPerGb: 0.01,
      freeEgress: { timesStored: 3 },
      minimumStoredTb: 0,
    },
  },
  wasabi: {
    id: "wasabi",
    title: "Wasabi",
    host: /^(?:.+\.)?s3(?:\.([a-z0-9-]+))?\.wasabisys\.com$/,
    addressing: "path",
    checksum: "none",
    region: "us-east-1",
    conditionalPut: "unknown",
    deleteHides: false,
    minimumDays: 90,
    minimumObjectBytes: 4096,
    prices: {
      asOf: "2026-07-01",
      storagePerTbMonth: 7.99,
      putPer1000: 0,
      listPer1000: 0,
      getPer1000: 0,
      egressPerGb: 0,
      freeEgress: { timesStored: 1 },
      minimumStoredTb: 1,
    },
  },
  r2: {
    id: "r2",
    title: "Cloudflare R2",
    host: /\.r2\.cloudflarestorage\.com$/,
    addressing: "path",
    checksum: "none",
    region: "auto",
    conditionalPut: "works",
    deleteHides: false,
    minimumDays: 0,
    minimumObjectBytes: 0,
    prices: {
      asOf: "2026-11-23",
      storagePerTbMonth: 15,
      putPer1000: 0.0045,
      listPer1000: 0.0045,
      getPer1000: 0.00036,
      egressPerGb: 0,
      freeEgress: "all",
      minimumStoredTb: 0,
    },
  },
  minio: { ...SELF_HOSTED, id: "minio", title: "MinIO", server: /^MinIO\b/i, conditionalPut: "works" },
  ceph: { ...SELF_HOSTED, id: "ceph", title: "Ceph RGW", server: /^Ceph\b/i, conditionalPut: "works" },
  custom: { ...SELF_HOSTED, id: "custom", title: "another S3 server", conditionalPut: "unknown" },
}

/** Finds the provider by the endpoint's host. No endpoint means AWS. */
export function profileOfEndpoint(endpoint: string | undefined): ProviderProfile {
  if (endpoint === undefined) return PROVIDER_PROFILES.aws
  const { hostname } = new URL(endpoint)
  const known = Object.values(PROVIDER_PROFILES).find(({ host }) => host?.test(hostname))
  return known ?? PROVIDER_PROFILES.custom
}

/** Finds the provider by the server's own name, if the host did not identify it. */
export function profileOfServer(byHost: ProviderProfile, serverName: string | undefined): ProviderProfile {
  if (byHost.id !== "custom" || serverName === undefined) return byHost
  return Object.values(PROVIDER_PROFILES).find(({ server }) => server?.test(serverName)) ?? byHost
}

/** @returns the region in the endpoint's host, or the profile's default */
export function regionOfEndpoint(profile: ProviderProfile, endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return profile.region
  return profile.host?.exec(new URL(endpoint).hostname)?.[1] ?? profile.region
}
