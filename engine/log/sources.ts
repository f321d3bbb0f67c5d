/** The sources of a series: hosts, and the paths that were named there. spec/series.md. */
import type { DeviceId, RawPath } from "../base/ids.ts"
import type { TrustState } from "../format/trust-entry.ts"
import type { SnapshotRecord } from "./view.ts"

export interface SnapshotSource {
  readonly host: string
  /** Absolute. */
  readonly paths: readonly RawPath[]
}

/** Equal for equal sources. */
export function sourceKey({ host, paths }: SnapshotSource): string {
  return JSON.stringify([host, ...paths.toSorted()])
}

export function samePaths(a: Pick<SnapshotSource, "paths">, b: Pick<SnapshotSource, "paths">): boolean {
  return sourceKey({ host: "", paths: a.paths }) === sourceKey({ host: "", paths: b.paths })
}

/** The newest snapshot of each source, the newest first. `all` is oldest first. */
export function newestOfSources(all: readonly SnapshotRecord[]): SnapshotRecord[] {
  const newest = new Map<string, SnapshotRecord>()
  for (const snapshot of all.toReversed()) {
    const key = sourceKey(snapshot)
    if (!newest.has(key)) newest.set(key, snapshot)
  }
  return [...newest.values()]
}

/** A snapshot option: when another source of its series was last backed up, in nanoseconds since 1970. */
export const SHARED_OPTION = "shared"

/** A snapshot option: the note that its maker stored with it. */
export const LABEL_OPTION = "label"

/** A source that was backed up within this time is in use: 30 days. */
export const LIVE_NS: bigint = 30n * 24n * 3600n * 1_000_000_000n

/** Machines' clocks may differ by this much unnoticed: 5 minutes. */
const CLOCK_AHEAD_NS_MAX = 300n * 1_000_000_000n

/** Dated in the future, by a wrong clock or by `--time`. */
export function isFuture({ timeNs }: Pick<SnapshotRecord, "timeNs">, nowNs: bigint): boolean {
  return timeNs > presentEnd(nowNs)
}

export function presentEnd(nowNs: bigint): bigint {
  return nowNs + CLOCK_AHEAD_NS_MAX
}

/** The device itself, then the devices that it continues, the newest first (rule W6). */
export function devicesContinued({ devices }: Pick<TrustState, "devices">, device: DeviceId): DeviceId[] {
  const found = [device]
  for (const id of found) {
    const before = devices.find((each) => each.id === id)?.continues ?? undefined
    if (before !== undefined && !found.includes(before)) found.push(before)
  }
  return found
}
