/**
 * Makes a consistent copy of one live SQLite database, in the child process. Two ways:
 *
 * - Through SQLite: a read transaction, and the online backup on that connection. Writers go on, and the copy is the
 *   state at the start of the transaction. A database with a rollback journal is copied in one step.
 * - By files, if SQLite would have to write beside the database, or can't open it there (no write access, a log or
 *   journal that a killed program left, an exclusive lock): database, log and journal are copied. If none of them
 *   changed meanwhile, SQLite recovers the copy.
 *
 * A copy that fails `quick_check` is not used: the backup copies damaged pages without a word. The database itself is
 * only read, and nothing is made beside it.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
} from "node:fs"
import { errorCode } from "../../base/errno.ts"
import { fsPath } from "../../base/paths.ts"
import { type Database, openSqlite, SIDE_FILES, sqliteCode } from "../../base/sqlite.ts"
import { zeroFreePages } from "./free-pages.ts"

export interface CopyRequest {
  /** Absolute raw path. */
  readonly path: string
  /** Device and inode of the file: another one in its place is not copied. */
  readonly identity: string
  /** Absolute path of the copy, in a private folder. */
  readonly copy: string
  /** Tables that are emptied in the copy, as far as it has them. */
  readonly emptyTables: readonly string[]
}

export type CopyOutcome =
  | { readonly outcome: "copied" }
  /** The file is gone. */
  | { readonly outcome: "gone" }
  /** There is no copy. `isOpaque`: SQLite can't read any of it, so it is encrypted or something else. */
  | { readonly outcome: "raw"; readonly reason: string; readonly isOpaque: boolean }

const BUSY_MS = 3_000
const ATTEMPTS = 3
const PAGES_PER_STEP = 256
const ALL_PAGES = 0x7fffffff
const LOCKED = "another program has it locked and writes to it"

/** Never throws for anything that the database is. */
export async function copyDatabase(request: CopyRequest): Promise<CopyOutcome> {
  const { copy } = request
  try {
    if (identityOf(request.path) !== request.identity) return gone(request.path)
    const way = await copyByEither(request)
    if (way !== undefined) {
      removeDatabase(copy)
      return way
    }
    return finish(request)
  } catch (error) {
    removeDatabase(copy)
    return refused(error)
  }
}

/** The file is not the one that was found. */
function gone(path: string): CopyOutcome {
  if (identityOf(path) === "") return { outcome: "gone" }
  return { outcome: "raw", reason: "it was replaced during the backup", isOpaque: false }
}

/** @returns undefined if there is a copy */
async function copyByEither(request: CopyRequest): Promise<CopyOutcome | undefined> {
  let failure: unknown
  if (isOpenedInPlace(request.path)) {
    try {
      await copyThroughSqlite(request)
      return identityOf(request.path) === request.identity ? undefined : gone(request.path)
    } catch (error) {
      if (/^SQLITE_(NOTADB|CORRUPT)/.test(sqliteCode(error))) return refused(error)
      removeDatabase(request.copy)
      failure = error
    }
  }
  if (copyFiles(request))
    return identityOf(request.path) === request.identity ? undefined : gone(request.path)
  const isBusy = failure === undefined || sqliteCode(failure).startsWith("SQLITE_BUSY")
  return isBusy ? { outcome: "raw", reason: LOCKED, isOpaque: false } : refused(failure)
}

/**
 * Whether SQLite can open the database without making files beside it: it has a rollback journal, or its log is
 * shared already.
 */
function isOpenedInPlace(path: string): boolean {
  if (!Buffer.from(textOf(path), "utf8").equals(Buffer.from(path, "latin1"))) return false
  const header = headerOf(path)
  if (header[VERSION_AT] !== WAL_VERSION) return header.length >= HEADER_BYTES
  return existsSync(fsPath(`${path}-wal`)) && existsSync(fsPath(`${path}-shm`))
}

/** The path as SQLite takes it: text in UTF-8. */
function textOf(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8")
}

const HEADER_BYTES = 100
/** The version needed to write: 2 with a write-ahead log. */
const VERSION_AT = 18
const WAL_VERSION = 2

function headerOf(path: string): Buffer {
  const descriptor = openSync(fsPath(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    return header.subarray(0, readSync(descriptor, header, 0, HEADER_BYTES, 0))
  } finally {
    closeSync(descriptor)
  }
}

const MAGIC = "SQLite format 3\0"

/** Whether the file begins as SQLite databases do. False if it can't be read. */
export function isSqliteFile(path: string): boolean {
  try {
    return identityOf(path) !== "" && headerOf(path).toString("latin1", 0, MAGIC.length) === MAGIC
  } catch {
    return false
  }
}

async function copyThroughSqlite({ path, copy }: CopyRequest): Promise<void> {
  const database = openSqlite(textOf(path), { readonly: true, timeoutMs: BUSY_MS })
  try {
    database.exec("BEGIN")
    database.prepare("SELECT 1 FROM sqlite_schema").get() // the read transaction begins here
    const hasLog = database.pragma("journal_mode", { simple: true }) === "wal"
    // a rollback journal's writer can't commit meanwhile, so that is one step
    const pages = hasLog ? PAGES_PER_STEP : ALL_PAGES
    await database.backup(copy, { progress: () => pages })
    database.exec("COMMIT")
  } finally {
    database.close()
  }
}

/** Copies database, log and journal. @returns whether they stayed the same meanwhile */
function copyFiles({ path, copy }: CopyRequest): boolean {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = stampOf(path)
    copyFileSync(fsPath(path), copy, constants.COPYFILE_FICLONE)
    chmodSync(copy, 0o600) // it has the mode of the original, which may forbid to write
    for (const end of ["-wal", "-journal"]) copyIfThere(path + end, copy + end)
    if (stampOf(path) === before) return true
    removeDatabase(copy)
  }
  return false
}

function copyIfThere(from: string, to: string): void {
  try {
    copyFileSync(fsPath(from), to, constants.COPYFILE_FICLONE)
    chmodSync(to, 0o600)
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error
  }
}

function stampOf(path: string): string {
  return ["", "-wal", "-journal"].map((end) => stampOfFile(path + end)).join("\n")
}

function stampOfFile(path: string): string {
  const stat = lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? "" : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ")
}

function identityOf(path: string): string {
  const stat = lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false })
  return stat?.isFile() === true ? `${stat.dev} ${stat.ino}` : ""
}

/** Recovers, checks and empties the copy, which is then one file without a log. */
function finish({ copy, emptyTables }: CopyRequest): CopyOutcome {
  const database = openSqlite(copy, { timeoutMs: BUSY_MS })
  let isEmptied = false
  try {
    const found = quickCheck(database)
    if (found !== "ok") {
      database.close()
      removeDatabase(copy)
      return { outcome: "raw", reason: `it is damaged (${found})`, isOpaque: false }
    }
    isEmptied = empty(database, emptyTables)
    database.pragma("wal_checkpoint(TRUNCATE)")
  } finally {
    if (database.open) database.close()
  }
  for (const end of SIDE_FILES) rmSync(copy + end, { force: true })
  if (isEmptied) zeroFreePages(copy)
  return { outcome: "copied" }
}

/** @returns "ok", or the first line of what is wrong */
function quickCheck(database: Database): string {
  try {
    return String(database.pragma("quick_check(1)", { simple: true })).split("\n")[0] ?? ""
  } catch (error) {
    // a collation of the program's own can't be checked here
    if (sqliteCode(error) === "SQLITE_ERROR") return "ok"
    throw error
  }
}

/** Not by VACUUM, which moves every page. @returns whether one of the tables was there */
function empty(database: Database, tables: readonly string[]): boolean {
  const known = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all()
  const wanted = known.filter((name) => tables.some((each) => each.toLowerCase() === name.toLowerCase()))
  if (wanted.length === 0) return false
  database.pragma("foreign_keys = OFF")
  database.pragma("secure_delete = ON")
  for (const name of wanted) database.exec(`DELETE FROM "${name.replaceAll('"', '""')}"`)
  return true
}

function removeDatabase(copy: string): void {
  for (const end of ["", ...SIDE_FILES]) rmSync(copy + end, { force: true })
}

function refused(error: unknown): CopyOutcome {
  const code = sqliteCode(error)
  if (code.startsWith("SQLITE_NOTADB"))
    return { outcome: "raw", reason: "it is encrypted or not a database", isOpaque: true }
  if (code.startsWith("SQLITE_CORRUPT")) return { outcome: "raw", reason: "it is damaged", isOpaque: false }
  const other = code === "" ? errorCode(error) : code
  if (other === "ENOENT") return { outcome: "gone" }
  return { outcome: "raw", reason: `it could not be copied (${other})`, isOpaque: false }
}
