/**
 * Writes small files and folders accessible only to the owner. A power cut leaves the old content
 * or the new one. Everything in a home is written here, or by SQLite in a file created here.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { errnoOf, errnoText } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import { accessAdvice, giveFile, giveFolder } from "../base/own-files.ts"
import { shellWord } from "../base/show.ts"
import { writeAll } from "../base/write-all.ts"

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const TEMPORARY = /\.[0-9a-f]{16}\.tmp$/
/** Longer than any write: an older temporary file is a killed run's leftover. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000
/** File modes on Windows say nothing about access. */
const HAS_MODES = process.platform !== "win32"

/**
 * Creates the folder and its missing parents, accessible only to the owner. Existing ones stay unchanged.
 */
export function makePrivateFolder(folder: string): void {
  try {
    if (fs.existsSync(folder)) return
    makePrivateFolder(path.dirname(folder))
    fs.mkdirSync(folder, { mode: FOLDER_MODE })
    giveFolder(folder)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw unwritable(folder, error)
  }
}

/** Creates an empty file accessible only to the owner, unless it exists. */
export function makePrivateFile(file: string): void {
  try {
    writeInto(file, "wx", () => {})
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw unwritable(file, error)
  }
}

/** Writes a temporary file, flushes it, renames it, and flushes the folder. */
export function writePrivateFile(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.${randomBytes(8).toString("hex")}.tmp`
  try {
    writeInto(temporary, "wx", (handle) => {
      writeAll(handle, typeof content === "string" ? Buffer.from(content) : content)
      fs.fsyncSync(handle)
    })
    fs.renameSync(temporary, file)
    syncFolder(path.dirname(file))
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw unwritable(file, error)
  }
}

/** Writes a hint that may be lost or torn. It isn't flushed, which would take milliseconds. */
export function writePrivateNote(file: string, text: string): void {
  try {
    writeInto(file, "w", (handle) => writeAll(handle, Buffer.from(text)))
  } catch (error) {
    throw unwritable(file, error)
  }
}

function writeInto(file: string, flags: "w" | "wx", write: (handle: number) => void): void {
  const handle = fs.openSync(file, flags, FILE_MODE)
  try {
    giveFile(handle, path.dirname(file))
    write(handle)
  } finally {
    fs.closeSync(handle)
  }
}

function syncFolder(folder: string): void {
  if (!HAS_MODES) return // Windows can't flush a folder
  const handle = fs.openSync(folder, "r")
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

/** Returns the file's text, or undefined if it doesn't exist. */
export function readPrivateFile(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8")
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined
    const message = `${file}: cannot be read: ${reason(file, error)}`
    throw new EngineError("denied", "home-unreadable", message, { detail: { path: file }, cause: error })
  }
}

/** @throws if group or others can read or change a secret's file, or replace it in its folder */
export function refuseShared(file: string): void {
  if (!HAS_MODES) return
  refuseMode(file, 0o077, "600", "other users can read or change it")
  refuseMode(path.dirname(file), 0o022, "700", "other users can change it and replace the keys in it")
}

/** @throws if group or others can change a file that decides something, or replace it in its folder */
export function refuseWritable(file: string): void {
  if (!HAS_MODES) return
  refuseMode(file, 0o022, "600", "other users can change it")
  refuseMode(path.dirname(file), 0o022, "700", "other users can replace what is in it")
}

function refuseMode(file: string, forbidden: number, wanted: string, found: string): void {
  const mode = fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & forbidden) === 0) return
  const message = `${file}: ${found} (mode ${(mode & 0o777).toString(8)}). Run: chmod ${wanted} ${shellWord(file)}`
  throw new EngineError("denied", "home-permissions", message, { detail: { path: file } })
}

/** Removes leftovers of killed writes. */
export function removeLeftovers(folder: string, nowMs: number): void {
  try {
    removeOld(folder, nowMs)
  } catch (error) {
    throw unwritable(folder, error)
  }
}

function removeOld(folder: string, nowMs: number): void {
  for (const name of fs.readdirSync(folder)) {
    if (!TEMPORARY.test(name)) continue
    const file = path.join(folder, name)
    const stat = fs.statSync(file, { throwIfNoEntry: false })
    if (stat !== undefined && nowMs - stat.mtimeMs > LEFTOVER_AGE_MS) fs.rmSync(file, { force: true })
  }
}

function unwritable(file: string, error: unknown): unknown {
  if (error instanceof EngineError) return error
  const message = `${file}: cannot be written: ${reason(file, error)}. holdfast keeps its keys and caches there`
  return new EngineError("denied", "home-unwritable", message, { detail: { path: file }, cause: error })
}

function reason(file: string, error: unknown): string {
  const code = errnoOf(error) || "unknown"
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `permission denied; ${accessAdvice(file) ?? "check its owner and mode"}`
    case "ENOSPC":
    case "EDQUOT":
      return "no space left on its disk. Free some space, then run the command again"
    case "EROFS":
      return "its disk is mounted read-only. Set HOLDFAST_HOME to a folder on another disk"
    default:
      return errnoText(code)
  }
}
