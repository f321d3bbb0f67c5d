/** `holdfast log PATH`: lists the versions of one file, newest first, equal ones folded. */
import { EngineError, fileHistory, rawPathFromText } from "../../engine/index.ts"
import type { Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { filterOf } from "./filter.ts"
import { showBytes, showTime } from "../output/format.ts"
import { entryFields, snapshotFields } from "../output/json-shapes.ts"

export const log: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const path = call.args[0] ?? ""
    let versions = 0
    for await (const version of fileHistory(repository, rawPathFromText(path), filterOf(call))) {
      const { snapshot, entry, folded } = version
      if (output.closed()) break
      if (entry !== undefined) versions++
      output.object({
        message_type: "version",
        snapshot: snapshotFields(snapshot),
        entry: entry === undefined ? null : entryFields(entry),
        folded,
      })
      const size = entry === undefined ? "gone" : entry.type === "file" ? showBytes(entry.size) : entry.type
      const changed = entry === undefined ? "" : `changed ${showTime(entry.mtimeNs)}`
      const more =
        folded > 0 ? `  (unchanged in ${folded} later ${folded === 1 ? "snapshot" : "snapshots"})` : ""
      output.line(
        `${snapshot.shortId}  ${showTime(snapshot.timeNs)}  ${size.padStart(10)}  ${changed}${more}`,
      )
    }
    if (versions === 0) {
      throw new EngineError(
        "not-found",
        "no-entry",
        `no snapshot contains ${path}. Search for it with \`holdfast find NAME\``,
      )
    }
    return EXIT.done
  })
