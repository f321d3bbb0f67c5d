/**
 * What a backup would store, ask for and cost, before it does: a dry run, priced by a provider's list,
 * with what bringing everything back would cost. And the budget that a backup must not exceed.
 * spec/stores.md.
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
  /** Price it as this provider would; default: whose store it is. */
  readonly provider?: ProviderId | undefined
}

export interface Estimate {
  /** Of the dry run: files, raw bytes that are new, what could not be read. */
  readonly run: BackupResult
  /** What the run would add. */
  readonly added: Stored
  readonly requests: Asked
  /** The repository with it, as far as this device knows. */
  readonly after: Stored
  /** At most so many bytes come down when the whole snapshot is restored. */
  readonly restoreBytes: number
  /** Null where no prices are known: folders, servers of one's own. */
  readonly money: Money | null
}

/** US dollars, by list prices. */
export interface Money {
  readonly provider: ProviderId
  readonly title: string
  /** When the list was read. */
  readonly asOf: string
  readonly requests: number
  /** What is charged for the new objects at least: a month, or the provider's least duration. */
  readonly storage: number
  /** All of the repository, each month from then on. */
  readonly perMonth: number
  readonly restore: number
}

/** A limit on one run. */
export interface Budget {
  /** New bytes in the store. */
  readonly bytes?: number | undefined
  /** Requests, and storage as in `Money`. */
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
  // The entry; and a segment for a run of many packs.
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

/** Packs that this device knows: nearly all there is. */
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
