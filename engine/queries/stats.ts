/** `stats`: counts the store's objects by kind, their cost, and the snapshots' content. Two LISTs. */
import { parseName } from "../format/names.ts"
import { providerOf } from "../store/open-store.ts"
import { dollarsPerMonth, type Stored } from "../store/pricing.ts"
import { PROVIDER_PROFILES, type ProviderId } from "../store/provider-profiles.ts"
import type { Repository } from "../session/repository.ts"
import { snapshots } from "./snapshots.ts"

export interface KindStats {
  readonly objects: number
  readonly bytes: number
}

export type StatsKind = "packs" | "index" | "log" | "keys" | "other"

export interface Stats {
  readonly snapshots: number
  readonly objects: number
  readonly storedBytes: number
  /** "other" are foreign objects, not counted in `objects` and `storedBytes`. */
  readonly byKind: Readonly<Record<StatsKind, KindStats>>
  /** Stored chunks, including listing nodes. */
  readonly chunks: number
  /** Bytes that a restore of every snapshot would write. */
  readonly rawBytes: number
  /** Monthly cost of this size by list prices. The store's own provider is first, if known. */
  readonly money: readonly MonthlyCost[]
}

export interface MonthlyCost {
  readonly provider: ProviderId
  readonly title: string
  /** When the list was read. */
  readonly asOf: string
  /** Whether this is the store's provider. */
  readonly isHere: boolean
  readonly dollarsPerMonth: number
}

/**
 * Counts what is stored, by kind of object. Reads the names of all objects, and the newest part of the log.
 * @returns sizes in bytes, prices in dollars a month
 * @throws as `snapshots`
 */
export async function stats(repository: Repository): Promise<Stats> {
  const all = await snapshots(repository)
  const byKind: Record<StatsKind, { objects: number; bytes: number }> = {
    packs: { objects: 0, bytes: 0 },
    index: { objects: 0, bytes: 0 },
    log: { objects: 0, bytes: 0 },
    keys: { objects: 0, bytes: 0 },
    other: { objects: 0, bytes: 0 },
  }
  for await (const { name, sizeBytes } of repository.store.list("")) {
    const kind = byKind[kindOf(name)]
    kind.objects++
    kind.bytes += sizeBytes
  }
  const ours = [byKind.packs, byKind.index, byKind.log, byKind.keys]
  const objects = ours.reduce((sum, kind) => sum + kind.objects, 0)
  const storedBytes = ours.reduce((sum, { bytes }) => sum + bytes, 0)
  return {
    snapshots: all.length,
    objects,
    storedBytes,
    byKind,
    money: monthlyCosts(providerOf(repository.store)?.id, { objects, bytes: storedBytes }),
    chunks: repository.index.counts().chunks,
    rawBytes: all.reduce((sum, { summary }) => sum + summary.bytes, 0),
  }
}

function monthlyCosts(here: ProviderId | undefined, stored: Stored): MonthlyCost[] {
  const costs = Object.values(PROVIDER_PROFILES).flatMap((profile): MonthlyCost[] => {
    const { id: provider, title, prices } = profile
    const dollars = dollarsPerMonth(profile, stored)
    if (prices === undefined || dollars === undefined) return []
    return [{ provider, title, asOf: prices.asOf, isHere: provider === here, dollarsPerMonth: dollars }]
  })
  return costs.toSorted((a, b) => Number(b.isHere) - Number(a.isHere))
}

function kindOf(name: string): StatsKind {
  switch (parseName(name)?.type) {
    case "pack":
      return "packs"
    case "segment":
      return "index"
    case "entry":
    case "trust":
    case "gc":
    case "mirror":
    case "bundle":
      return "log"
    case "repository":
    case "keyslot":
      return "keys"
    case undefined:
      return "other"
  }
}
