/** The words for metadata that a restore left out: in its summary, and of each entry with --verbose. */
import type { LeftOut, RestoreResult } from "../../engine/index.ts"
import { showCount } from "./format.ts"

const WORDS: Readonly<Record<LeftOut, string>> = {
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
  return what.map((each) => WORDS[each]).join(", ")
}

/** One line, such as "not restored: ACL of 2 items, owner of 1 item"; undefined when nothing was left out. */
export function leftOutInAll({ leftOut }: RestoreResult, isListed: boolean): string | undefined {
  const parts = Object.entries(leftOut).map(
    ([what, count]) => `${WORDS[what as LeftOut]} of ${showCount(count, "item")}`,
  )
  if (parts.length === 0) return undefined
  return `not restored: ${parts.join(", ")} ${isListed ? "(listed above)" : "(--verbose lists them)"}`
}
