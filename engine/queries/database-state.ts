/**
 * Looks at somebody else's SQLite database on this machine, for a restore over it: whether a program has it open, and
 * whether a copy is sound.
 */
import { existsSync, rmSync } from "node:fs"
import { errorCode } from "../base/errno.ts"
import { openSqlite, sqliteCode } from "../base/sqlite.ts"

/**
 * Whether another program has the database open, even if it does nothing with it now. An open connection keeps a
 * shared lock on a database in WAL mode; in the other modes only a transaction has one. Checkpoints the WAL if nobody
 * has it open, like any program that closes the database last.
 * @param file a path as text
 */
export function databaseIsHeld(file: string): boolean {
  return withDatabase(
    file,
    false,
    (database) => {
      database.pragma("locking_mode = EXCLUSIVE") // before the first access: then WAL needs the whole file
      database.exec("BEGIN EXCLUSIVE")
      return false
    },
    (code) => code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED"),
  )
}

/** `PRAGMA user_version`: the version of the tables, which the program counts up. Undefined if it can't be read. */
export function databaseVersion(file: string): number | undefined {
  return leavingNoFile(file, () =>
    withDatabase(
      file,
      true,
      (database) => Number(database.pragma("user_version", { simple: true })),
      () => undefined,
    ),
  )
}

/**
 * Leaves no file beside it that was not there.
 * @returns what quick_check or SQLite says is wrong; undefined for a sound database
 */
export function databaseFault(file: string): string | undefined {
  return leavingNoFile(file, () =>
    withDatabase(
      file,
      true,
      (database) => {
        const found = database.pragma("quick_check(1)", { simple: true })
        return found === "ok" ? undefined : String(found)
      },
      (code) => code || "it can't be opened",
    ),
  )
}

function leavingNoFile<T>(file: string, look: () => T): T {
  const sides = ["-wal", "-shm"].map((suffix) => `${file}${suffix}`).filter((side) => !existsSync(side))
  try {
    return look()
  } finally {
    for (const side of sides) rmSync(side, { force: true })
  }
}

function withDatabase<T, U>(
  file: string,
  readonly: boolean,
  ask: (database: ReturnType<typeof openSqlite>) => T,
  failed: (code: string) => U,
): T | U {
  let database: ReturnType<typeof openSqlite> | undefined
  try {
    database = openSqlite(file, { readonly, timeoutMs: 500 })
    return ask(database)
  } catch (error) {
    return failed(sqliteCode(error) || errorCode(error))
  } finally {
    database?.close()
  }
}
