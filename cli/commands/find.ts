/** `holdfast find`: finds entries by name in all snapshots that match the filters. */
import {
  findEntries,
  findSnapshot,
  type FindRequest,
  type Repository,
  type Snapshot,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { filterOf } from "./filter.ts"
import { showBytes, showTime } from "../output/format.ts"
import { entryFields } from "../output/json-shapes.ts"
import { longLine, shown } from "../output/entry-text.ts"
import { parseMoment } from "../verbs/sizes.ts"

export const find: Command = async (call) => {
  const request = requestOf(call)
  return await withRepository(call, { write: false }, async (repository) => {
    const { output, options } = call
    const within = await namedSnapshots(call, repository)
    let last: string | undefined
    for await (const { snapshot, entry } of findEntries(repository, { ...request, within }, filterOf(call))) {
      if (output.closed()) break
      output.object({ message_type: "match", snapshot: snapshot.id, ...entryFields(entry) })
      if (output.json) continue
      if (last !== snapshot.id) output.heading(`${snapshot.shortId} ${showTime(snapshot.timeNs)}`)
      last = snapshot.id
      if (options.flag("long")) {
        output.line(`  ${longLine(entry)}`)
        continue
      }
      const size = entry.type === "file" ? showBytes(entry.size) : entry.type
      output.line(`  ${showTime(entry.mtimeNs)}  ${size.padStart(10)}  ${shown(entry.path)}`)
    }
    return EXIT.done
  })
}

function requestOf({ args, options }: Call): FindRequest {
  const newest = options.text("newest")
  const oldest = options.text("oldest")
  return {
    patterns: args,
    ignoreCase: options.flag("ignore-case"),
    newestNs: newest === undefined ? undefined : parseMoment(newest, "newest", "end"),
    oldestNs: oldest === undefined ? undefined : parseMoment(oldest, "oldest", "start"),
  }
}

/** Oldest first, like a list of all. */
async function namedSnapshots(call: Call, repository: Repository): Promise<Snapshot[] | undefined> {
  const addresses = call.options.list("snapshot")
  if (addresses.length === 0) return undefined
  const found = new Map<string, Snapshot>()
  for (const address of addresses) {
    const { snapshot } = await findSnapshot(repository, address, filterOf(call))
    found.set(snapshot.id, snapshot)
  }
  return [...found.values()].toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : 1))
}
