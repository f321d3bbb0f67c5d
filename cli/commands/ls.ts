/** `holdfast ls`: the entries of a snapshot. */
import { showText } from "../../engine/base/show.ts"
import { EngineError, entries, type Entry } from "../../engine/index.ts"
import type { Command } from "../call.ts"
import { padRight } from "../columns.ts"
import { withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"
import { namedSnapshot, type Named } from "../filter.ts"
import { showTime } from "../format.ts"
import { entryFields, permissions } from "../json-shapes.ts"
import { shown } from "../show-path.ts"

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

function longLine(entry: Entry): string {
  const owner = padRight(showText(`${entry.user || entry.uid}:${entry.group || entry.gid}`), 16)
  const size = String(entry.size).padStart(12)
  const target = entry.linkTarget === null ? "" : ` -> ${shown(entry.linkTarget)}`
  return `${permissions(entry)} ${owner} ${size} ${showTime(entry.mtimeNs)} ${shown(entry.path)}${target}`
}
