/** An entry with mode, owner, size and time: `ls -l` and `find -l`. */
import { showText } from "../../engine/base/show.ts"
import type { Entry } from "../../engine/index.ts"
import { padRight } from "./columns.ts"
import { showTime } from "./format.ts"
import { permissions } from "./json-shapes.ts"
import { shown } from "./show-path.ts"

export function longLine(entry: Entry): string {
  const owner = padRight(showText(`${entry.user || entry.uid}:${entry.group || entry.gid}`), 16)
  const size = String(entry.size).padStart(12)
  const target = entry.linkTarget === null ? "" : ` -> ${shown(entry.linkTarget)}`
  return `${permissions(entry)} ${owner} ${size} ${showTime(entry.mtimeNs)} ${shown(entry.path)}${target}`
}
