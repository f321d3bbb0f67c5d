/**
 * Whether an entry of the target has what this restore would give it: owners and setuid bits count
 * only when they are asked for, or every run would change the same files again.
 */
import type { RawPath } from "../base/ids.ts"
import { equalBytes } from "../base/bytes.ts"
import type { ExtendedAttribute, Stat } from "../files/source.ts"
import type { Target } from "../files/target.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { RestoreRequest } from "./restore-request.ts"

type Asked = Pick<RestoreRequest, "owners" | "setuid">

export function hasOwner({ owners }: Asked, existing: Stat, entry: Entry): boolean {
  const areSet = owners ?? process.geteuid?.() === 0
  return !areSet || (existing.uid === entry.uid && existing.gid === entry.gid)
}

export function hasMetadata(asked: Asked, existing: Stat, entry: Entry): boolean {
  const mode = asked.setuid === true ? entry.mode : entry.mode & ~0o6000
  return existing.mode === mode && existing.mtimeNs === entry.mtimeNs && hasOwner(asked, existing, entry)
}

export function hasAttributes(target: Target, path: RawPath, entry: Entry): boolean {
  if (!target.xattrsAvailable) return true
  const wanted = entry.xattrs.filter(isPlaced)
  const found = target.attributes(path).filter(isPlaced)
  return (
    wanted.length === found.length &&
    wanted.every(({ name, value }, i) => name === found[i]?.name && equalBytes(value, found[i].value))
  )
}

/** The system's own are not restored. */
function isPlaced({ name }: ExtendedAttribute): boolean {
  return name.startsWith("user.")
}
