/**
 * From samples to the rows of a table: one value a repetition and peer (the median, where a repetition has
 * several samples of the same work), and the best peer of each row.
 */
import { NO_CHANGE, RESTORE, UNFLUSHED, type ScenarioResult } from "./sample.ts"

export type Unit = "seconds" | "bytes" | "memory" | "count"

export interface Row {
  /** "first.seconds", "stored.bytes", "peak": the names in targets. */
  readonly key: string
  readonly title: string
  readonly unit: Unit
  /** By peer, one value a repetition, in their order. */
  readonly values: ReadonlyMap<string, readonly number[]>
}

/** The project itself: never its own rival. */
export const own = "holdfast"

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export function rowsOf(result: ScenarioResult): Row[] {
  const works = [...new Set(result.samples.map((sample) => sample.work))]
  const collect = (work: string, field: "seconds" | "cpuSeconds"): Row["values"] =>
    byPeerAndRun(
      result.samples.filter((sample) => sample.work === work).map((s) => ({ ...s, value: s[field] })),
      median,
    )
  const peaks = result.samples.map((sample) => ({ ...sample, value: sample.peakBytes }))
  const kept = (field: "bytes" | "objects" | "newBytes" | "newObjects"): Row["values"] =>
    byPeerAndRun(
      result.stored.map((stored) => ({ ...stored, value: stored[field] })),
      median,
    )
  const rows: Row[] = []
  for (const work of works) {
    rows.push({
      key: `${work}.seconds`,
      title: `${work}, s`,
      unit: "seconds",
      values: collect(work, "seconds"),
    })
  }
  for (const work of works) {
    const values = collect(work, "cpuSeconds")
    rows.push({ key: `${work}.cpu`, title: `${work}, CPU s`, unit: "seconds", values })
  }
  rows.push({ key: "peak", title: "peak memory, MiB", unit: "memory", values: byPeerAndRun(peaks, largest) })
  rows.push({ key: "stored.bytes", title: "stored, MB", unit: "bytes", values: kept("bytes") })
  rows.push({ key: "stored.objects", title: "objects", unit: "count", values: kept("objects") })
  const told = result.stored.flatMap(({ requests, ...rest }) => {
    const counts = Object.entries(requests).filter(([name]) => !name.startsWith("bytes"))
    return counts.length === 0 ? [] : [{ ...rest, value: counts.reduce((sum, [, count]) => sum + count, 0) }]
  })
  const requests = byPeerAndRun(told, median)
  if (told.length > 0)
    rows.push({ key: "requests", title: "requests of all backups", unit: "count", values: requests })
  if (works.filter((work) => ![NO_CHANGE, RESTORE, UNFLUSHED].includes(work)).length > 1) {
    rows.push({ key: "new.bytes", title: "added later, MB", unit: "bytes", values: kept("newBytes") })
    rows.push({ key: "new.objects", title: "objects added later", unit: "count", values: kept("newObjects") })
  }
  return rows
}

function largest(values: readonly number[]): number {
  return Math.max(...values)
}

function byPeerAndRun(
  points: readonly { peer: string; run: number; value: number }[],
  fold: (values: readonly number[]) => number,
): Map<string, number[]> {
  const groups = new Map<string, number[][]>()
  for (const { peer, run, value } of points) {
    const runs = groups.get(peer) ?? []
    groups.set(peer, runs)
    ;(runs[run] ??= []).push(value)
  }
  return new Map([...groups].map(([peer, runs]) => [peer, runs.filter((v) => v !== undefined).map(fold)]))
}

/** The rival with the lowest median in this row, or undefined when the project ran alone. */
export function bestPeer(row: Row): string | undefined {
  const rivals = [...row.values].filter(([peer, values]) => peer !== own && values.length > 0)
  return rivals.toSorted(([, a], [, b]) => median(a) - median(b))[0]?.[0]
}

/** The median over repetitions of this peer's value by the rival's in the same repetition. */
export function pairedRatio(row: Row, peer: string, rival: string): number {
  const mine = row.values.get(peer) ?? []
  const theirs = row.values.get(rival) ?? []
  return median(mine.slice(0, theirs.length).map((value, run) => value / (theirs[run] ?? NaN)))
}
