/**
 * Allows one run per series on a device, and one commit at a time: a device's chain has one next
 * sequence number, whatever the number of series (rule W6). Locks are released when their holder
 * dies, so a crash never leaves one behind. spec/home.md.
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

/** @throws conflict "busy" at once if another run of the series is active on this device */
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
 * Held for seconds, from choosing the next sequence number until its entry is durable. Waits
 * without blocking the thread.
 * @throws conflict "busy" after the timeout
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

/** Returns when a run of the series last started on this device; undefined if unknown. */
export function lastRunStart(home: RepositoryHome, series: string): Date | undefined {
  const note = readPrivateFile(`${fileOf(home.locksFolder, series)}.holder`)
  const since = new Date(/^pid \d+ since (\S+)\n$/.exec(note ?? "")?.[1] ?? "")
  return Number.isNaN(since.getTime()) ? undefined : since
}

function fileOf(locksFolder: string, series: string): string {
  const hash = createHash("sha256").update(series).digest("hex")
  return path.join(locksFolder, `series-${hash.slice(0, 32)}`)
}

/** The holder's note is only a hint, written just after the lock was taken. */
function busy(series: string, holder: string | undefined): EngineError {
  const [, pid, since] = /^pid (\d+) since (\S+)\n$/.exec(holder ?? "") ?? []
  const ms = Date.parse(since ?? "")
  const who = Number.isNaN(ms) ? "" : ` (process ${pid}, since ${showTime(BigInt(ms) * 1_000_000n)})`
  const message = `another backup of series ${showText(series)} is running on this device${who}`
  return new EngineError("conflict", "busy", message, { detail: { series } })
}
