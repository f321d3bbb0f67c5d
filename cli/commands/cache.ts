/** `holdfast cache`: lists the caches of this device, or deletes them. */
import { cacheInfo, clearCache } from "../../engine/index.ts"
import type { Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { homeOf } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { showBytes } from "../output/format.ts"

export const cache: Command = async (call) => {
  const { output, options } = call
  const home = homeOf(call)
  const found = cacheInfo(home)
  const clear = options.flag("clear")
  if (clear) clearCache(home)
  const rows = found.map(({ repository, location, bytes }) => [
    repository.slice(0, 8),
    showBytes(bytes),
    location ?? "",
  ])
  for (const { repository, location, bytes, path } of found) {
    output.object({ message_type: "cache", repository, location, bytes, path, cleared: clear })
  }
  if (found.length === 0) output.say("no caches")
  else for (const line of table(["repository", "size", "location"], rows, [1])) output.line(line)
  if (clear && found.length > 0) output.say("caches deleted; the next run rebuilds what it needs")
  return EXIT.done
}
