/**
 * Checks that a chain's newest entry, the entries in its `rest` and its segments name every pack that the
 * chain introduced, and that `newest` names the newest snapshot of each series. A device that already knows
 * the chain does not notice when they don't; a new device does. spec/log-entry.md.
 */
import type { Digest } from "../base/ids.ts"
import { entryName, packName } from "../format/names.ts"
import type { NewestSnapshot } from "../format/entry.ts"
import { newestEntries, type CheckedEntry } from "./check-log.ts"
import type { Findings } from "./findings.ts"

/** @param segments the packs of each readable segment. Chains with damage are skipped. */
export function checkCoverage(
  entries: readonly CheckedEntry[],
  segments: ReadonlyMap<Digest, readonly Digest[]>,
  findings: Findings,
): void {
  const known = new Map(entries.map((entry) => [entry.digest, entry]))
  for (const last of newestEntries(entries)) {
    const chain = entries.filter(({ device }) => device === last.device)
    const isWhole = chain.length === last.sequence && last.segments.every((digest) => segments.has(digest))
    if (!isWhole) continue
    const object = entryName(last.device, last.sequence, last.digest)
    const covered = new Set(last.segments.flatMap((digest) => segments.get(digest) ?? []))
    for (const { digest } of [last, ...last.rest]) {
      for (const { record } of known.get(digest)?.packs ?? []) covered.add(record.name)
    }
    const lost = chain.flatMap(({ packs }) => packs).filter(({ record }) => !covered.has(record.name))
    if (lost[0] !== undefined) {
      findings.add(object, `does not list ${packName(lost[0].record.name)}, which its chain has introduced`)
    }
    if (last.newest !== null && !sameSnapshots(last.newest, newestSnapshots(chain.slice(0, -1)))) {
      findings.add(object, "does not list the newest snapshots of its chain")
    }
  }
}

/** @returns by series, the latest snapshot by its own time; of two at one time the later entry */
function newestSnapshots(chain: readonly CheckedEntry[]): Map<string, Digest> {
  const newest = new Map<string, { timeNs: bigint; digest: Digest }>()
  for (const entry of chain) {
    if (entry.type !== "snapshot") continue
    const before = newest.get(entry.series)
    if (before === undefined || before.timeNs <= entry.timeNs) newest.set(entry.series, entry)
  }
  return new Map([...newest].map(([series, { digest }]) => [series, digest]))
}

function sameSnapshots(told: readonly NewestSnapshot[], found: ReadonlyMap<string, Digest>): boolean {
  return told.length === found.size && told.every(({ series, digest }) => found.get(series) === digest)
}
