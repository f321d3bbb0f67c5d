/**
 * Names of a restore's unfinished files, beside the final name in the same folder, and of the folder that a whole
 * restore is built in. Whatever has such a name is holdfast's own: a backup leaves it out, the next restore
 * of that folder goes on with it or removes it.
 */
import { randomBytes } from "node:crypto"
import type { RawPath } from "../base/ids.ts"

const PREFIX = ".holdfast-restore-"

/** Always the same, so that a later run finds it. */
export const STAGING_NAME = `${PREFIX}staging` as RawPath

/** Not guessable, so that nobody can put something in its place beforehand; O_EXCL refuses what is. */
export function temporaryName(): RawPath {
  return (PREFIX + nextHex()) as RawPath
}

export function isTemporaryName(name: string): boolean {
  return name.charCodeAt(0) === 0x2e && name.startsWith(PREFIX)
}

const NAME_BYTES = 10
let pool = ""
let used = 0

/** Drawn in batches: one call a name would cost as much as creating the file. */
function nextHex(): string {
  if (used >= pool.length) {
    pool = randomBytes(NAME_BYTES * 256).toString("hex")
    used = 0
  }
  used += NAME_BYTES * 2
  return pool.slice(used - NAME_BYTES * 2, used)
}
