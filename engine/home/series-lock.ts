/**
 * One run of a series at a time on a device, and one commit at a time: a device's chain has one next
 * slot, whatever the number of series (rule W6). Locks die with their holder; a crash never leaves
 * one that a person must remove. spec/home.md.
 */
import { createHash } from "node:crypto"
import * as path from "node:path"
import { setTimeout } from "node:timers/promises"
import { EngineError } from "../base/errors.ts"
import { monotonicMs } from "../base/ports.ts"
import { showText, showTime } from "../base/show.ts"
import { type FileLock, isFileLocked, takeFileLock } from "./file-lock.ts"
import type { RepositoryHome } from "./home.ts"
import { readPrivateFile, writePrivateNote } from "./private-files.ts"

const CHAIN_POLL_MS = 50

/** Throws `conflict`, code "busy", at once when another run of the series is at work here. */
export function lockSeries(home: RepositoryHome, series: string): FileLock {
  if (home.realLocksFolder !== undefined) {
    const real = fileOf(home.realLocksFolder, series)
    if (isFileLocked(`${real}.lock`)) throw busy(series, readPrivateFile(`${real}.holder`))
  }
  const base = fileOf(home.locksFolder, series)
  const lock = takeFileLock(`${base}.lock`, 0)
  if (lock === undefined) throw busy(series, readPrivateFile(`${base}.holder`))
  try {
    writePrivateNote(`${base}.holder`, `pid ${process.pid} since ${new Date().toISOString()}\n`)
  } catch (error) {
    lock.release()
    throw error
  }
  return lock
}

/**
 * Held from choosing the next sequence number until its entry is durable: seconds. Waits, without
 * blocking the thread, then throws `conflict`, code "busy".
 */
export async function lockChain(home: RepositoryHome, timeoutMs: number): Promise<FileLock> {
  const deadline = monotonicMs() + timeoutMs
  for (;;) {
    const lock = takeFileLock(path.join(home.locksFolder, "chain.lock"), 0)
    if (lock !== undefined) return lock
    if (monotonicMs() >= deadline) {
      throw new EngineError(
        "conflict",
        "busy",
        "timed out waiting for another holdfast run on this device to commit",
      )
    }
    await setTimeout(CHAIN_POLL_MS)
  }
}

/** When a run of the series began last on this device; undefined when nobody knows. */
export function lastRunStart(home: RepositoryHome, series: string): Date | undefined {
  const note = readPrivateFile(`${fileOf(home.locksFolder, series)}.holder`)
  const since = new Date(/^pid \d+ since (\S+)\n$/.exec(note ?? "")?.[1] ?? "")
  return Number.isNaN(since.getTime()) ? undefined : since
}

function fileOf(locksFolder: string, series: string): string {
  const hash = createHash("sha256").update(series).digest("hex")
  return path.join(locksFolder, `series-${hash.slice(0, 32)}`)
}

/** The note of the holder is a hint, written just after the lock was taken. */
function busy(series: string, holder: string | undefined): EngineError {
  const [, pid, since] = /^pid (\d+) since (\S+)\n$/.exec(holder ?? "") ?? []
  const ms = Date.parse(since ?? "")
  const who = Number.isNaN(ms) ? "" : ` (process ${pid}, since ${showTime(BigInt(ms) * 1_000_000n)})`
  const message = `another backup of series ${showText(series)} is running on this device${who}`
  return new EngineError("conflict", "busy", message, { detail: { series } })
}
