/**
 * A lock that the operating system releases when its holder dies: SQLite's exclusive lock on an
 * empty file. Nothing is written to the file, so it can't be damaged. It is never removed, since
 * that would let two holders in. Never open such a file by other means: closing any handle of it
 * would release this process's lock (POSIX).
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { EngineError } from "../base/errors.ts"
import { type Database, openSqlite, sqliteCode, stateError } from "../base/sqlite.ts"
import { makePrivateFile } from "./private-files.ts"

export interface FileLock {
  /** A second call does nothing. */
  release(): void
}

/**
 * The locks that this process holds, by path. POSIX locks belong to a process: a second copy of SQLite in it, which a
 * host loads with a second copy of this module, would get a lock that the first one holds, and release it. The
 * connections stay reachable here: garbage collection would close them.
 */
const held = heldInProcess()

function heldInProcess(): Map<string, Database> {
  const shared = globalThis as { [key: symbol]: Map<string, Database> | undefined }
  return (shared[Symbol.for("holdfast.file-locks")] ??= new Map())
}

/** Returns undefined if the lock isn't free within the time, or if this process has it. Blocks this thread. */
export function takeFileLock(file: string, timeoutMs: number): FileLock | undefined {
  const key = resolve(file)
  if (held.has(key)) return undefined
  makePrivateFile(file)
  const database = openSqlite(file, { timeoutMs })
  try {
    database.exec("BEGIN EXCLUSIVE")
  } catch (error) {
    database.close()
    if (sqliteCode(error).startsWith("SQLITE_BUSY")) return undefined
    throw stateError(error, file)
  }
  held.set(key, database)
  return {
    release() {
      if (held.get(key) === database) held.delete(key)
      if (database.open) database.close()
    },
  }
}

/** Whether the lock is held. Changes nothing, not even the folder. */
export function isFileLocked(file: string): boolean {
  if (held.has(resolve(file))) return true
  if (!existsSync(file)) return false
  const database = openSqlite(file, { readonly: true, timeoutMs: 0 })
  try {
    database.pragma("schema_version")
    return false
  } catch (error) {
    if (sqliteCode(error).startsWith("SQLITE_BUSY")) return true
    throw stateError(error, file)
  } finally {
    database.close()
  }
}

/**
 * Runs with the lock held.
 * @throws conflict "busy"
 */
export function withFileLock<T>(file: string, timeoutMs: number, run: () => T): T {
  const lock = takeFileLock(file, timeoutMs)
  if (lock === undefined)
    throw new EngineError("conflict", "busy", `${file}: timed out waiting for another holdfast run`)
  try {
    return run()
  } finally {
    lock.release()
  }
}
