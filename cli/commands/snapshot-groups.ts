/** `snapshots --group-by host,paths` and `--latest N`: as restic has them, and by series too. */
import type { Snapshot } from "../../engine/index.ts"
import { UsageError } from "../output/exit-codes.ts"
import { pathText } from "../output/json-shapes.ts"

const KEYS = ["host", "paths", "tags", "series"] as const

export type GroupKey = (typeof KEYS)[number]

export interface SnapshotGroup {
  /** What its snapshots have in common, by the names of JSON. */
  readonly key: Readonly<Record<string, string | readonly string[]>>
  readonly snapshots: readonly Snapshot[]
}

/** "host,paths" as typed; "path" and "tag" are meant too. */
export function parseGroupBy(text: string): GroupKey[] {
  return text
    .split(",")
    .filter((word) => word !== "")
    .map((word) => {
      const key = KEYS.find((each) => each === word || each === `${word}s`)
      if (key !== undefined) return key
      throw new UsageError(`--group-by needs some of ${KEYS.join(", ")}, not "${word}"`)
    })
}

/** In the order of their first snapshots. Without keys, all are one group. */
export function groupSnapshots(all: readonly Snapshot[], by: readonly GroupKey[]): SnapshotGroup[] {
  const groups = new Map<string, { key: SnapshotGroup["key"]; snapshots: Snapshot[] }>()
  for (const snapshot of all) {
    const key = keyOf(snapshot, by)
    const name = JSON.stringify(key)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { key, snapshots: [snapshot] })
    else group.snapshots.push(snapshot)
  }
  return [...groups.values()]
}

function keyOf(snapshot: Snapshot, by: readonly GroupKey[]): SnapshotGroup["key"] {
  const key: Record<string, string | readonly string[]> = {}
  if (by.includes("host")) key["hostname"] = snapshot.host
  if (by.includes("series")) key["series"] = snapshot.series
  if (by.includes("paths")) key["paths"] = snapshot.paths.map((path) => pathText(path)).toSorted()
  if (by.includes("tags")) key["tags"] = [...snapshot.tags].toSorted()
  return key
}

/** The last ones of each group, in the order of the list. */
export function latestOf(all: readonly Snapshot[], by: readonly GroupKey[], count: number): Snapshot[] {
  const kept = new Set(groupSnapshots(all, by).flatMap(({ snapshots }) => snapshots.slice(-count)))
  return all.filter((snapshot) => kept.has(snapshot))
}
