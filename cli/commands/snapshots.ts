/** `holdfast snapshots`: one line a snapshot, oldest first. */
import { snapshots as listSnapshots, type Snapshot } from "../../engine/index.ts"
import type { Call, Command } from "../call.ts"
import { table } from "../columns.ts"
import { withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"
import { filterOf } from "../filter.ts"
import { showBytes, showCount, showNumber, showTime } from "../format.ts"
import { pathText, snapshotFields } from "../json-shapes.ts"

export const snapshots: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const found = await listSnapshots(repository, filterOf(call))
    for (const snapshot of found)
      call.output.object({ message_type: "snapshot", ...snapshotFields(snapshot) })
    show(call, found)
    return EXIT.done
  })

function show({ output }: Call, found: readonly Snapshot[]): void {
  if (output.json) return
  if (found.length === 0) {
    output.say("no snapshots")
    return
  }
  const rows = found.map((snapshot) => [
    snapshot.shortId,
    showTime(snapshot.timeNs),
    snapshot.host,
    snapshot.series,
    showNumber(snapshot.summary.files),
    showBytes(snapshot.summary.bytes),
    snapshot.tags.join(","),
    snapshot.paths.map(pathText).join(" "),
  ])
  const [header = "", ...lines] = table(
    ["id", "time", "host", "series", "files", "size", "tags", "paths"],
    rows,
    [4, 5],
  )
  output.heading(header)
  for (const line of lines) output.line(line)
  output.say(showCount(found.length, "snapshot"))
}
