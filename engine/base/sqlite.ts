/**
 * The only user of better-sqlite3, for device-local state. The native part is loaded when the first
 * file is opened, since it costs milliseconds that `--help` should not pay. Statements are prepared
 * at first use. Errors of a file become `EngineError`s; a damaged file is replaced (rule L1).
 */
import { closeSync, openSync } from "node:fs"
import Sqlite from "better-sqlite3"
import { dirname } from "node:path"
import { errnoOf } from "./errno.ts"
import { EngineError } from "./errors.ts"
import { accessAdvice, giveFile, isDiskFull } from "./own-files.ts"

export type Database = Sqlite.Database
export type Statement<Parameters extends unknown[], Row> = Sqlite.Statement<Parameters, Row>

/** Ends of the names of the files that SQLite keeps beside a database. */
export const SIDE_FILES = ["-wal", "-shm", "-journal"] as const

/** Opens a connection. The file must exist: we then chose its mode, and not the umask. */
export function openSqlite(path: string, options: { readonly?: boolean; timeoutMs: number }): Database {
  const { readonly = false, timeoutMs } = options
  return new Sqlite(path, { fileMustExist: true, readonly, timeout: timeoutMs })
}

/** Rows as objects, as arrays ("raw"), or only their first column ("pluck"). */
export type RowShape = "object" | "raw" | "pluck"

/** Prepares the statement at its first call, so opening costs nothing for unused statements. */
export function lazyStatement<Parameters extends unknown[], Row = never>(
  database: Database,
  sql: string,
  shape: RowShape = "object",
): () => Statement<Parameters, Row> {
  let statement: Statement<Parameters, Row> | undefined
  return () => {
    if (statement === undefined) {
      statement = database.prepare<Parameters, Row>(sql)
      if (shape === "raw") statement.raw()
      if (shape === "pluck") statement.pluck()
    }
    return statement
  }
}

/** Returns SQLite's code ("SQLITE_BUSY"), or "" for other errors. */
export function sqliteCode(error: unknown): string {
  const code = errnoOf(error)
  return code.startsWith("SQLITE_") ? code : ""
}

/** Whether the error means that the file isn't what SQLite wrote, or not ours. */
export function stateIsDamaged(error: unknown): boolean {
  const code = sqliteCode(error)
  if (/^SQLITE_(CORRUPT|NOTADB|FORMAT|CONSTRAINT|MISMATCH)/.test(code)) return true
  // our statements are right, so the schema is not; a wrong transaction is a bug
  return code === "SQLITE_ERROR" && !(error as Error).message.includes("transaction")
}

/**
 * Returns the error for a row that isn't what was written. It is handled like damage that SQLite detects.
 */
export function damagedRow(table: string): Error {
  return Object.assign(new Error(`a row of ${table} is damaged`), { code: "SQLITE_CORRUPT_ROW" })
}

/**
 * Takes seconds for a large file.
 * @throws `damagedRow` unless all tables and indexes are sound
 */
export function checkWhole(database: Database): void {
  if (database.pragma("integrity_check(1)", { simple: true }) !== "ok") throw damagedRow("the whole file")
}

/** Path of the mark beside a file that was found damaged during use. The next run replaces the file. */
export function damageMark(path: string): string {
  return `${path}.damaged`
}

/** Converts a failure of a local database to the engine's error. Returns other errors unchanged. */
export function stateError(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === "") return error
  const options = { detail: { path }, cause: error }
  if (stateIsDamaged(error)) {
    const message = `${path}: the local state is damaged (${code}). It is only a cache: run the command again to rebuild it`
    // not "corrupt": nothing in the store is damaged, and no verb may continue as if it were
    return new EngineError("unavailable", "state-damaged", message, options)
  }
  if (code.startsWith("SQLITE_BUSY")) {
    const message = `${path}: timed out waiting for another holdfast run to release the local state`
    return new EngineError("conflict", "state-busy", message, options)
  }
  const message = `${path}: the local state cannot be read or written: ${reason(code, path)} (${code})`
  return new EngineError("denied", "state-unwritable", message, options)
}

/** On a full disk SQLite may fail to open or map a file before a write fails. */
function reason(code: string, path: string): string {
  if (code === "SQLITE_FULL" || (!code.startsWith("SQLITE_READONLY") && isDiskFull(path)))
    return "no space left on its disk. Free some space, then run the command again"
  return accessAdvice(path) ?? "check its owner, its mode, and how its disk is mounted"
}

/** Creates a module's tables unless they exist. */
export function createTables(database: Database, schema: string): void {
  guarded(database.name, () => database.exec(schema))
}

/** Returns the same methods, with SQLite errors as `stateError`s. Damage leaves its mark. */
export function withStateErrors<Methods extends object>(path: string, methods: Methods): Methods {
  const all = Object.entries(methods).map(([name, method]: [string, unknown]) => {
    if (typeof method !== "function") return [name, method]
    const call = method as (...parameters: unknown[]) => unknown
    return [name, (...parameters: unknown[]): unknown => guarded(path, () => call(...parameters))]
  })
  return Object.fromEntries(all) as Methods
}

function guarded<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (stateIsDamaged(error)) leaveMark(path)
    throw stateError(error, path)
  }
}

function leaveMark(path: string): void {
  if (path === ":memory:") return
  try {
    const mark = openSync(damageMark(path), "w", 0o600)
    try {
      giveFile(mark, dirname(path))
    } finally {
      closeSync(mark)
    }
  } catch {
    // Without the mark the next run finds the damage itself.
  }
}
