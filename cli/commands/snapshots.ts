/** `holdfast snapshots`: one line a snapshot, oldest first. */
import {
  findSnapshot,
  snapshots as listSnapshots,
  type Repository,
  type Snapshot,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository, wholeNumber } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { filterOf } from "./filter.ts"
import { showBytes, showCount, showNumber, showTime } from "../output/format.ts"
import { pathText, snapshotFields } from "../output/json-shapes.ts"
import { groupSnapshots, latestOf, parseGroupBy, type SnapshotGroup } from "./snapshot-groups.ts"

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

/** Those that were named, else all that the filters let through. */
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
    snapshot.tags.join(","),
    snapshot.paths.map(pathText).join(" "),
  ])
  return table(["id", "time", "host", "series", "files", "size", "tags", "paths"], rows, [4, 5])
}

function shortTable(all: readonly Snapshot[]): string[] {
  const rows = all.map(({ shortId, timeNs, host, series, tags }) => [
    shortId,
    showTime(timeNs),
    host,
    series,
    tags.join(","),
  ])
  return table(["id", "time", "host", "series", "tags"], rows)
}
