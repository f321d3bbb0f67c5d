/** `holdfast find`: entries by name, in all snapshots that the filters let through. */
import { findEntries } from "../../engine/index.ts"
import type { Command } from "../call.ts"
import { withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"
import { filterOf } from "../filter.ts"
import { showBytes, showTime } from "../format.ts"
import { entryFields } from "../json-shapes.ts"
import { shown } from "../show-path.ts"

export const find: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    let last: string | undefined
    for await (const { snapshot, entry } of findEntries(repository, call.args, filterOf(call))) {
      if (output.closed()) break
      output.object({ message_type: "match", snapshot: snapshot.id, ...entryFields(entry) })
      if (output.json) continue
      if (last !== snapshot.id) output.heading(`${snapshot.shortId} ${showTime(snapshot.timeNs)}`)
      last = snapshot.id
      const size = entry.type === "file" ? showBytes(entry.size) : entry.type
      output.line(`  ${showTime(entry.mtimeNs)}  ${size.padStart(10)}  ${shown(entry.path)}`)
    }
    return EXIT.done
  })
