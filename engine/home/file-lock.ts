/**
 * A lock that the operating system drops when its holder dies, however it dies: SQLite's exclusive
 * lock on an empty file. Nothing is ever written to the file, so that it cannot be damaged; it stays
 * behind, since removing it would let two holders in. Never open such a file by other means: closing
 * any handle of it would drop this process's lock (POSIX).
 */
import { existsSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import { type Database, openSqlite, sqliteCode, stateError } from "../base/sqlite.ts"
import { makePrivateFile } from "./private-files.ts"

export interface FileLock {
  /** A second call does nothing. */
  release(): void
}

/** Keeps connections reachable: collected as garbage, one would close and drop its lock. */
const held = new Set<Database>()

/** Undefined when somebody else still holds it after the time. Waiting blocks this thread. */
export function takeFileLock(file: string, timeoutMs: number): FileLock | undefined {
  makePrivateFile(file)
  const database = openSqlite(file, { timeoutMs })
  try {
    database.exec("BEGIN EXCLUSIVE")
  } catch (error) {
    database.close()
    if (sqliteCode(error).startsWith("SQLITE_BUSY")) return undefined
    throw stateError(error, file)
  }
  held.add(database)
  return {
    release() {
      held.delete(database)
      if (database.open) database.close()
    },
  }
}

/** True while somebody holds the lock. Changes nothing, not even in the folder. */
export function isFileLocked(file: string): boolean {
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

/** Runs with the lock held, or throws `conflict`, code "busy". */
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
