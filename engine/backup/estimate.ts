/**
 * Estimates the size, requests and cost of a backup by a dry run, with a provider's list prices, and the
 * cost of restoring everything. Also enforces the budget of a backup. spec/stores.md.
 */
import { EngineError } from "../base/errors.ts"
import { showBytes, showText } from "../base/show.ts"
import { PACK_BYTES } from "../format/pack.ts"
import { providerOf } from "../store/open-store.ts"
import {
  dollarsCommitted,
  dollarsForEgress,
  dollarsForRequests,
  dollarsPerMonth,
  type Asked,
  type Stored,
} from "../store/pricing.ts"
import { PROVIDER_PROFILES, type ProviderId, type ProviderProfile } from "../store/provider-profiles.ts"
import type { Repository } from "../session/repository.ts"
import type { BackupObserver, BackupRequest, BackupResult } from "./backup-request.ts"
import { backup } from "./backup.ts"

export interface EstimateRequest extends Omit<BackupRequest, "dryRun" | "stdin"> {
  /** The provider whose prices apply; by default the store's own. */
  readonly provider?: ProviderId | undefined
}

export interface Estimate {
  /** The dry run: files, new raw bytes, what could not be read. */
  readonly run: BackupResult
  /** The objects and bytes that the run would add. */
  readonly added: Stored
  readonly requests: Asked
  /** The repository after the run, as far as this device knows. */
  readonly after: Stored
  /** An upper bound of the bytes received when the whole snapshot is restored. */
  readonly restoreBytes: number
  /** Null where no prices are known: folders, private servers. */
  readonly money: Money | null
}

/** US dollars, by list prices. */
export interface Money {
  readonly provider: ProviderId
  readonly title: string
  /** The date of the price list. */
  readonly asOf: string
  readonly requests: number
  /** The least charge for the new objects: for a month, or for the provider's minimum duration. */
  readonly storage: number
  /** The storage of the whole repository, per month. */
  readonly perMonth: number
  readonly restore: number
}

/** The limits of one run. */
export interface Budget {
  /** New bytes in the store. */
  readonly bytes?: number | undefined
  /** Requests and storage, as in `Money`. */
  readonly dollars?: number | undefined
}

/**
 * Estimates size, requests and cost of a backup. Reads everything that is new and writes nothing. One LIST.
 * @returns sizes in bytes, prices in dollars
 * @throws as `backup`
 */
export async function estimate(
  repository: Repository,
  { provider, ...request }: EstimateRequest,
  observe?: BackupObserver,
): Promise<Estimate> {
  const run = await backup(repository, { ...request, dryRun: true }, observe)
  const addedBytes = run.summary.dataAddedPacked
  const packs = Math.ceil(addedBytes / PACK_BYTES)
  const isIdle = packs === 0
  // The entry, and a segment for a run of many packs.
  const others = isIdle ? 0 : packs > 2 ? 2 : 1
  const added = { objects: packs + others, bytes: addedBytes }
  const requests = { put: packs + others, list: isIdle ? 0 : 2, get: 0 }
  const before = storedNow(repository)
  const after = { objects: before.objects + added.objects, bytes: before.bytes + added.bytes }
  const restoreBytes = Math.min(after.bytes, run.summary.bytes)
  const profile = provider === undefined ? providerOf(repository.store) : PROVIDER_PROFILES[provider]
  const what = { added, requests, after, restoreBytes }
  return { run, ...what, money: profile === undefined ? null : moneyOf(profile, what) }
}

/**
 * @param budget the most that a backup may add, in bytes and in dollars a month
 * @throws denied "budget" if the run would exceed it; invalid "no-prices" if the provider's prices are unknown
 */
export async function requireBudget(
  repository: Repository,
  request: EstimateRequest,
  { bytes, dollars }: Budget,
): Promise<void> {
  const { added, money } = await estimate(repository, request)
  if (bytes !== undefined && added.bytes > bytes) {
    throw overBudget(`${showBytes(added.bytes)} would be stored, but the budget is ${showBytes(bytes)}`)
  }
  if (dollars === undefined) return
  if (money === null) {
    const message = `${showText(repository.location)}: no prices are known for this store. Give the budget in bytes, e.g. 500M, or choose prices with --provider`
    throw new EngineError("invalid", "no-prices", message)
  }
  const cost = money.requests + money.storage
  if (cost > dollars) {
    throw overBudget(`it would cost $${cost.toFixed(4)} at ${money.title}, but the budget is $${dollars}`)
  }
}

function overBudget(found: string): EngineError {
  return new EngineError("denied", "budget", `${found}. Nothing was written`)
}

/** The packs that this device knows, which are nearly all objects. */
function storedNow({ index }: Repository): Stored {
  let objects = 0
  let bytes = 0
  for (const { sizeBytes } of index.packs()) {
    objects++
    bytes += sizeBytes
  }
  return { objects, bytes }
}

function moneyOf(
  profile: ProviderProfile,
  { added, requests, after, restoreBytes }: Pick<Estimate, "added" | "requests" | "after" | "restoreBytes">,
): Money | null {
  const { id, title, prices } = profile
  if (prices === undefined) return null
  const gets = Math.ceil(restoreBytes / PACK_BYTES)
  const download = dollarsForEgress(profile, restoreBytes, after) ?? 0
  return {
    provider: id,
    title,
    asOf: prices.asOf,
    requests: dollarsForRequests(profile, requests) ?? 0,
    storage: dollarsCommitted(profile, added) ?? 0,
    perMonth: dollarsPerMonth(profile, after) ?? 0,
    restore: download + (dollarsForRequests(profile, { put: 0, list: 1, get: gets }) ?? 0),
  }
}
