/** `holdfast ls`: lists the entries of a snapshot. */
import { EngineError, entries } from "../../engine/index.ts"
import type { Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { namedSnapshot, type Named } from "./filter.ts"
import { entryFields } from "../output/json-shapes.ts"
import { longLine, shown } from "../output/entry-text.ts"

export const ls: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { options, output } = call
    const { snapshot, path } = await namedSnapshot(call, repository, call.args[0] ?? "latest", call.args[1])
    const long = options.flag("long")
    const request = { within: path, recursive: !options.flag("no-recursive") }
    let found = false
    for await (const entry of entries(repository, snapshot, request)) {
      if (output.closed()) break
      found = true
      if (output.json) output.object({ message_type: "node", ...entryFields(entry) })
      else if (long) output.line(longLine(entry))
      else if (entry.path !== "") output.line(shown(entry.path))
    }
    if (!found && path !== "") throw noEntry(snapshot, path)
    return EXIT.done
  })

function noEntry({ shortId }: Named["snapshot"], path: string): EngineError {
  return new EngineError(
    "not-found",
    "no-entry",
    `${shown(path)}: snapshot ${shortId} has no such file or folder`,
  )
}
