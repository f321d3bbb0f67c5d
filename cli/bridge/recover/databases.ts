/**
 * Databases in a restore: which entries are databases, whether a program has one open, and whether a restored one is
 * sound. A tool never restores one in place; a person does, while their program is stopped.
 */
import type { Entry } from "../../../engine/index.ts"

const NAMES = /\.(sqlite3?|db3?|vscdb)(-wal|-shm|-journal)?$/i

export function isDatabase(entry: Pick<Entry, "path" | "type"> & Partial<Pick<Entry, "capture">>): boolean {
  if (entry.type !== "file") return false
  return entry.capture?.startsWith("sqlite") === true || NAMES.test(entry.path)
}

/** A log or journal without its database is restored like any file: there is nothing in it to verify. */
export function isBesideDatabase(path: string): boolean {
  return SIDE_FILES.some((suffix) => path.endsWith(suffix))
}

/** Files beside a database that belong to its content. */
export const SIDE_FILES = ["-wal", "-shm", "-journal"] as const
