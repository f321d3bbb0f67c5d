/**
 * Cost of storage, requests and transfers at a provider, by the dated list prices of `provider-profiles.ts`:
 * without taxes and free tiers, except the monthly egress. Providers count in powers of ten. See
 * spec/stores.md.
 */
import type { Prices, ProviderProfile } from "./provider-profiles.ts"

const GB = 1e9
const TB = 1e12
const DAYS_PER_MONTH = 30

export interface Stored {
  readonly objects: number
  readonly bytes: number
}

/** @returns US dollars per month; undefined where no prices are known */
export function dollarsPerMonth(
  { prices, minimumObjectBytes }: ProviderProfile,
  stored: Stored,
): number | undefined {
  if (prices === undefined) return undefined
  const bytes = Math.max(billedBytes(stored, minimumObjectBytes), prices.minimumStoredTb * TB)
  return (bytes / TB) * prices.storagePerTbMonth
}

/** @returns the minimum that the provider charges for objects written now, however soon they are deleted */
export function dollarsCommitted(
  { prices, minimumObjectBytes, minimumDays }: ProviderProfile,
  added: Stored,
): number | undefined {
  if (prices === undefined) return undefined
  const months = Math.max(1, minimumDays / DAYS_PER_MONTH)
  return (billedBytes(added, minimumObjectBytes) / TB) * prices.storagePerTbMonth * months
}

export interface Asked {
  readonly put: number
  readonly list: number
  readonly get: number
}

/** @returns US dollars for these requests, by the list price; undefined where no prices are known */
export function dollarsForRequests({ prices }: ProviderProfile, asked: Asked): number | undefined {
  if (prices === undefined) return undefined
  const { putPer1000, listPer1000, getPer1000 } = prices
  return (asked.put * putPer1000 + asked.list * listPer1000 + asked.get * getPer1000) / 1000
}

/** @returns the cost of downloading this much within a month without other downloads */
export function dollarsForEgress(
  { prices }: ProviderProfile,
  bytes: number,
  stored: Stored,
): number | undefined {
  if (prices === undefined) return undefined
  return (Math.max(0, bytes - freeEgressBytes(prices, stored)) / GB) * prices.egressPerGb
}

function freeEgressBytes({ freeEgress }: Prices, stored: Stored): number {
  if (freeEgress === "all") return Infinity
  return "gb" in freeEgress ? freeEgress.gb * GB : freeEgress.timesStored * stored.bytes
}

/** Assumes that all objects have the average size. */
function billedBytes({ objects, bytes }: Stored, minimumObjectBytes: number): number {
  return Math.max(bytes, objects * minimumObjectBytes)
}
