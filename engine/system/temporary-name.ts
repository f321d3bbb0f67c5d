/**
 * Names of a restore's unfinished files, beside the final name in the same folder, and of the
 * folder in which a whole restore is built. Entries with such a name are holdfast's own: a backup
 * excludes them, and the next restore into the folder continues with them or removes them.
 */
import { randomBytes } from "node:crypto"
import type { RawPath } from "../base/ids.ts"

const PREFIX = ".holdfast-restore-"

/** Always the same, so a later run finds it. */
export const STAGING_NAME = `${PREFIX}staging` as RawPath

/** Unpredictable, so nobody can create the name beforehand; O_EXCL refuses it if it exists. */
export function temporaryName(): RawPath {
  return (PREFIX + nextHex()) as RawPath
}

export function isTemporaryName(name: string): boolean {
  return name.charCodeAt(0) === 0x2e && name.startsWith(PREFIX)
}

const NAME_BYTES = 10
let pool = ""
let used = 0

/** Drawn in batches: one call per name would cost as much as creating the file. */
function nextHex(): string {
  if (used >= pool.length) {
    pool = randomBytes(NAME_BYTES * 256).toString("hex")
    used = 0
  }
  used += NAME_BYTES * 2
  return pool.slice(used - NAME_BYTES * 2, used)
}
