/** One path that differs between two sides, and how: what `diff` tells of each. */
import { equalBytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import type { Stat } from "../system/stat.ts"
import type { Content, Entry } from "../format/listing-entry.ts"

export interface Difference {
  readonly path: RawPath
  /** "modified": other content, link target or device; "metadata": all else of the entry. */
  readonly change: "added" | "removed" | "modified" | "metadata" | "type"
  readonly before?: Entry | undefined
  /** Absent too when the other side is a disk. */
  readonly after?: Entry | undefined
  /** What was added on a disk. */
  readonly found?: Pick<Stat, "type" | "size"> | undefined
}

/** How two entries that are not equal differ. */
export function changeOf(before: Entry, after: Entry): "modified" | "metadata" | "type" {
  if (before.type !== after.type) return "type"
  const isSame =
    before.size === after.size &&
    before.linkTarget === after.linkTarget &&
    before.device?.major === after.device?.major &&
    before.device?.minor === after.device?.minor &&
    equalContent(before.content, after.content)
  return isSame ? "metadata" : "modified"
}

function equalContent(a: Content | null, b: Content | null): boolean {
  if (a === null || b === null) return a === b
  if (a.chunks !== undefined && b.chunks !== undefined) return equalBytes(a.chunks, b.chunks)
  return a.list !== undefined && b.list !== undefined && equalBytes(a.list, b.list)
}
