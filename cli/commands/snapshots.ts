/** `holdfast snapshots`: lists snapshots, one per line, oldest first. */
import {
  findSnapshot,
  snapshots as listSnapshots,
  type Repository,
  type Snapshot,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository, wholeNumber } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { filterOf } from "./filter.ts"
import { showBytes, showCount, showNumber, showTime } from "../output/format.ts"
import { pathText, snapshotFields } from "../output/json-shapes.ts"

export const snapshots: Command = async (call) => {
  const by = parseGroupBy(call.options.text("group-by") ?? "")
  const latest = wholeNumber(call, "latest")
  return await withRepository(call, { write: false }, async (repository) => {
    const all = await chosen(call, repository)
    const found = latest === undefined ? all : latestOf(all, by.length === 0 ? ["series"] : by, latest)
    const groups = groupSnapshots(found, by)
    for (const { key, snapshots: each } of groups) {
      const group = by.length === 0 ? {} : { group_key: key }
      for (const snapshot of each)
        call.output.object({ message_type: "snapshot", ...snapshotFields(snapshot), ...group })
    }
    show(call, groups)
    return EXIT.done
  })
}

/** The named snapshots, else all that match the filters. */
async function chosen(call: Call, repository: Repository): Promise<Snapshot[]> {
  if (call.args.length === 0) return await listSnapshots(repository, filterOf(call))
  const found = new Map<string, Snapshot>()
  for (const address of call.args) {
    const { snapshot } = await findSnapshot(repository, address, filterOf(call))
    found.set(snapshot.id, snapshot)
  }
  return [...found.values()]
}

function show({ output, options }: Call, groups: readonly SnapshotGroup[]): void {
  if (output.json) return
  if (groups.length === 0) {
    output.say("no snapshots")
    return
  }
  const isCompact = options.flag("compact")
  for (const [i, { key, snapshots: each }] of groups.entries()) {
    const name = Object.entries(key).map(([field, value]) => `${field} ${[value].flat().join(", ")}`)
    if (i > 0) output.line("")
    if (name.length > 0) output.line(name.join("; "))
    const [header = "", ...lines] = isCompact ? shortTable(each) : longTable(each)
    output.heading(header)
    for (const line of lines) output.line(line)
  }
  output.say(
    showCount(
      groups.reduce((sum, { snapshots: each }) => sum + each.length, 0),
      "snapshot",
    ),
  )
}

function longTable(all: readonly Snapshot[]): string[] {
  const rows = all.map((snapshot) => [
    snapshot.shortId,
    showTime(snapshot.timeNs),
    snapshot.host,
    snapshot.series,
    showNumber(snapshot.summary.files),
    showBytes(snapshot.summary.bytes),
    labelsOf(snapshot),
    snapshot.paths.map(pathText).join(" "),
  ])
  return table(["id", "time", "host", "series", "files", "size", "tags", "paths"], rows, [4, 5])
}

function shortTable(all: readonly Snapshot[]): string[] {
  const rows = all.map((snapshot) => [
    snapshot.shortId,
    showTime(snapshot.timeNs),
    snapshot.host,
    snapshot.series,
    labelsOf(snapshot),
  ])
  return table(["id", "time", "host", "series", "tags"], rows)
}

/** The tags, and the flag of a snapshot that `latest` skips: "!suspected-wipe". */
function labelsOf({ tags, flag, good }: Snapshot): string {
  return [...(flag === null || good ? [] : [`!${flag}`]), ...tags].join(",")
}

/** Fields of `--group-by`: restic's, and the series. */
const KEYS = ["host", "paths", "tags", "series"] as const

type GroupKey = (typeof KEYS)[number]

interface SnapshotGroup {
  /** The fields that its snapshots have in common, by JSON name. */
  readonly key: Readonly<Record<string, string | readonly string[]>>
  readonly snapshots: readonly Snapshot[]
}

/** "host,paths" as typed; "path" and "tag" are accepted too. */
function parseGroupBy(text: string): GroupKey[] {
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
function groupSnapshots(all: readonly Snapshot[], by: readonly GroupKey[]): SnapshotGroup[] {
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
function latestOf(all: readonly Snapshot[], by: readonly GroupKey[], count: number): Snapshot[] {
  const kept = new Set(groupSnapshots(all, by).flatMap(({ snapshots }) => snapshots.slice(-count)))
  return all.filter((snapshot) => kept.has(snapshot))
}
