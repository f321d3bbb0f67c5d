/**
 * state.sqlite: index, journal and caches of one repository on this device. All of it can be
 * rebuilt (rule L1), so a file that is missing, damaged, foreign or of another version is replaced.
 * Modules create their own tables when they open. spec/home.md.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { EngineError } from "../base/errors.ts"
import { damageMark, type Database, openSqlite, stateError, stateIsDamaged } from "../base/sqlite.ts"
import { takeFileLock } from "./file-lock.ts"
import type { RepositoryHome } from "./home.ts"
import { makePrivateFile } from "./private-files.ts"

/** "HFst": identifies our SQLite files. */
const APPLICATION_ID = 0x48467374
/** Increment with any change of any table. */
const STATE_VERSION = 5

/** Blobs of ids and directories are split into fewer pieces than with the default 4 KiB. */
const PAGE_BYTES = 8192
/** Small, to limit peak memory: the index has its own keys in memory, and reads are few. */
const CACHE_KIB = 8 * 1024
/** Limits the log that a large commit leaves. */
const LOG_BYTES_MAX = 16 * 1024 * 1024
const TIMEOUT_MS = 10_000

export interface StateDatabase {
  readonly database: Database
  /** Why an old file was replaced, which deserves one warning. Also undefined for a first run. */
  readonly recreated: "damaged" | "foreign" | "other-version" | undefined
  /** Commits everything that `run` writes, through any module, or nothing if it throws. */
  atomically<T>(run: () => T): T
  close(): void
}

type Recreated = StateDatabase["recreated"]

export function openStateDatabase(home: RepositoryHome): StateDatabase {
  const lockFile = path.join(home.locksFolder, "state.lock")
  return openLocalDatabase({ file: home.statePath, lockFile, version: STATE_VERSION })
}

export interface LocalDatabase {
  /** Absolute. Its folder exists. */
  readonly file: string
  /** Held while the file is replaced. */
  readonly lockFile: string
  /** A file of another version is replaced. */
  readonly version: number
}

/**
 * Opens a database of this device that can be lost without harm. A file that is missing, damaged, foreign or of
 * another version is replaced by an empty one.
 */
export function openLocalDatabase({ file, lockFile, version }: LocalDatabase): StateDatabase {
  const opened = open(file, version)
  if (typeof opened !== "string") return handle(opened, undefined)

  const lock = takeFileLock(lockFile, TIMEOUT_MS)
  try {
    // Another process may have replaced it while this one waited.
    const again = open(file, version)
    if (typeof again !== "string") return handle(again, undefined)
    removeStateFiles(file)
    makePrivateFile(file)
    const fresh = open(file, version)
    if (typeof fresh !== "string") return handle(fresh, again === "missing" ? undefined : again)
    throw new EngineError("unavailable", "state-unwritable", `${file}: cannot be rebuilt`, {
      detail: { path: file },
    })
  } finally {
    lock?.release()
  }
}

/** Deletes all caches of the repository on this device, as a person may at any time. */
export function removeStateFiles(file: string): void {
  // All three: a run that still has a deleted file open must not share its log and lock table with a
  // new one.
  for (const end of ["", "-wal", "-shm"]) fs.rmSync(file + end, { force: true })
  fs.rmSync(damageMark(file), { force: true })
}

function open(file: string, version: number): Database | "missing" | Exclude<Recreated, undefined> {
  if (!fs.existsSync(file)) return "missing"
  if (fs.existsSync(damageMark(file))) return "damaged"
  let database: Database | undefined
  try {
    database = openSqlite(file, { timeoutMs: TIMEOUT_MS })
    const state = prepare(database, version)
    if (state === undefined) return database
    database.close()
    return state
  } catch (error) {
    database?.close()
    if (stateIsDamaged(error)) return "damaged"
    throw stateError(error, file)
  }
}

/** Returns undefined if the file is ours, otherwise why not. */
function prepare(database: Database, version: number): Recreated {
  const read = (pragma: string): number => database.pragma(pragma, { simple: true }) as number
  const application = read("application_id")
  if (application !== APPLICATION_ID) {
    const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() as number
    if (application !== 0 || tables > 0 || read("user_version") !== 0) return "foreign"
  } else if (read("user_version") !== version) {
    return "other-version"
  }
  if (application === 0) database.pragma(`page_size = ${PAGE_BYTES}`)
  database.pragma(`cache_size = -${CACHE_KIB}`)
  database.pragma("mmap_size = 0")
  database.pragma("synchronous = NORMAL")
  database.pragma("journal_mode = WAL")
  database.pragma(`journal_size_limit = ${LOG_BYTES_MAX}`)
  if (application === 0) claim(database, version)
  return undefined
}

function claim(database: Database, version: number): void {
  database
    .transaction(() => {
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${version}`)
    })
    .immediate()
}

function handle(database: Database, recreated: Recreated): StateDatabase {
  return {
    database,
    recreated,
    atomically<T>(run: () => T): T {
      try {
        return database.transaction(run).immediate()
      } catch (error) {
        throw stateError(error, database.name)
      }
    },
    close() {
      if (database.open) database.close()
    },
  }
}
