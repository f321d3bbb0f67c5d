/** An entry of a snapshot in words: its path, its line in a long list, and what a restore left out of it. */
import { showText } from "../../engine/base/show.ts"
import { showPath, type Entry, type LeftOut, type RestoreResult } from "../../engine/index.ts"
import { padRight } from "./columns.ts"
import { showCount, showTime } from "./format.ts"
import { permissions } from "./json-shapes.ts"

/** A raw path for people: UTF-8 where it is valid, control and stray bytes as \xNN, the root as a dot. */
export function shown(path: string): string {
  return path === "" ? "." : showPath(path)
}

/** Mode, owner, size, time and path: `ls -l` and `find -l`. */
export function longLine(entry: Entry): string {
  const owner = padRight(showText(`${entry.user || entry.uid}:${entry.group || entry.gid}`), 16)
  const size = String(entry.size).padStart(12)
  const target = entry.linkTarget === null ? "" : ` -> ${shown(entry.linkTarget)}`
  return `${permissions(entry)} ${owner} ${size} ${showTime(entry.mtimeNs)} ${shown(entry.path)}${target}`
}

const LEFT_OUT: Readonly<Record<LeftOut, string>> = {
  owner: "owner",
  mode: "mode",
  time: "modification time",
  setuid: "setuid and setgid bits",
  acl: "ACL",
  capability: "capabilities",
  attribute: "extended attributes",
}

/** Such as "ACL, setuid and setgid bits". */
export function leftOutOfEntry(what: readonly LeftOut[]): string {
  return what.map((each) => LEFT_OUT[each]).join(", ")
}

/** One line, such as "not restored: ACL of 2 items, owner of 1 item"; undefined when nothing was left out. */
export function leftOutInAll({ leftOut }: RestoreResult, isListed: boolean): string | undefined {
  const parts = Object.entries(leftOut).map(
    ([what, count]) => `${LEFT_OUT[what as LeftOut]} of ${showCount(count, "item")}`,
  )
  if (parts.length === 0) return undefined
  return `not restored: ${parts.join(", ")} ${isListed ? "(listed above)" : "(--verbose lists them)"}`
}
