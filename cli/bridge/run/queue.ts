/**
 * The queue of runs: one run at a time for each workspace, across modules and processes. A call before the scan of a
 * waiting run joins it. A call after the scan has begun waits for one follow-up run, which all such calls share. So no
 * request is ever dropped, and 200 calls at once make one or two snapshots. Across processes the lock of runs decides
 * whose turn it is; who gets it after waiting first looks whether a run that began after its own calls has succeeded.
 */
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { takeFileLock, type BackupEvent, type FileLock } from "../../../engine/index.ts"
import type { NowInput, SyncNow } from "../results.ts"
import type { Setup } from "../setup.ts"
import { backupOnce, recordFailure } from "./backup-once.ts"
import type { RunContext } from "./context.ts"
import { withRecord, type RunFound } from "./record.ts"
import { type Line, shared, type WaitingRun } from "./shared.ts"

export interface SyncProgress {
  readonly filesDone: number
  readonly filesTotal: number | undefined
  readonly bytesDone: number
  readonly bytesTotal: number | undefined
}

export interface NowCall {
  /** What started it: manual, interval, wrap_up, session_end, before_reset, compaction, start, pre-restore. */
  readonly trigger?: string
  /** Ends the waiting of this call, not the run. */
  readonly signal?: AbortSignal
  readonly progress?: (progress: SyncProgress) => void
}

export interface RunCall {
  readonly trigger: string
  readonly label?: string | undefined
  /** False: the result is `queued`, at once. */
  readonly wait: boolean
  /** Ends the waiting of this call, not the run. */
  readonly signal?: AbortSignal | undefined
  readonly observe?: ((event: BackupEvent) => void) | undefined
}

/** @param call what a tool, a hook or a command adds to what the model says */
export function callOf(
  { reason = "manual", wait = true, label }: NowInput,
  { trigger, signal, progress }: NowCall,
): RunCall {
  const said = plain(reason)
  const isWord = /^[a-z][a-z0-9_-]{0,39}$/.test(said)
  // a reason in words is a note, not a trigger
  const note = label === undefined ? (isWord ? undefined : said) : plain(label)
  return {
    trigger: trigger ?? (isWord ? said : "manual"),
    label: note === "" ? undefined : note,
    wait,
    signal,
    observe:
      progress === undefined
        ? undefined
        : (event) => (event.type === "progress" ? progress(event) : undefined),
  }
}

const TEXT_MAX = 200

/** A label or a reason is data of a model: one line without control characters. */
function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(0, TEXT_MAX)
    .toWellFormed()
}

interface Ended extends RunFound {
  readonly outcome: "created" | "unchanged" | "joined"
  readonly endedMs: number
}

/** @throws what the run throws; the reason of the signal */
export async function requestRun(context: RunContext, call: RunCall): Promise<SyncNow> {
  const { setup } = context
  const line = lineOf(setup.stateFolder)
  const seenRun = withRecord(setup, (record) => {
    // survives a crash of this process, like the wish of a hook
    if (!call.wait) record.want(call.trigger, Date.now())
    return record.newestId()
  })
  const isFirst = line.waiting === undefined
  const run = line.waiting ?? startWaiting(context, line)
  run.triggers.add(call.trigger)
  run.label ??= call.label
  run.seenRun = Math.max(run.seenRun, seenRun)
  if (call.observe !== undefined) run.observers.add(call.observe as (event: object) => void)
  if (!call.wait) return queued()
  try {
    const ended = (await orAborted(run.ended, call.signal)) as Ended
    return syncNow(isFirst ? ended : { ...ended, outcome: "joined" })
  } finally {
    if (call.observe !== undefined) run.observers.delete(call.observe as (event: object) => void)
  }
}

/** Resolves when the runs that this process has queued for the workspace have ended, whatever came of them. */
export async function queueIdle({ stateFolder }: Pick<Setup, "stateFolder">): Promise<void> {
  const line = lineOf(stateFolder)
  for (let tail; tail !== line.tail;) {
    tail = line.tail
    await tail
  }
}

function lineOf(stateFolder: string): Line {
  const { lines } = shared()
  const line = lines.get(stateFolder) ?? { waiting: undefined, tail: Promise.resolve() }
  lines.set(stateFolder, line)
  return line
}

function startWaiting(context: RunContext, line: Line): WaitingRun {
  const before = line.tail
  const ended = (async (): Promise<Ended> => {
    await before
    return await inTurn(context.setup.destination.location, () => carryOut(context, line, () => run))
  })()
  const run: WaitingRun = {
    triggers: new Set(),
    label: undefined,
    observers: new Set(),
    seenRun: 0,
    ended,
  }
  line.waiting = run
  // a failure belongs to the callers that wait; it is in the record too
  line.tail = ended.catch(() => {}).finally(() => leave(line, run))
  return run
}

function leave(line: Line, run: WaitingRun): void {
  if (line.waiting === run) line.waiting = undefined
}

async function carryOut(context: RunContext, line: Line, waiting: () => WaitingRun): Promise<Ended> {
  const { setup } = context
  const lock = await takeRunLock(setup)
  try {
    const run = waiting()
    await settle(context, [...run.triggers])
    const other = withRecord(setup, (record) => record.successAfter(run.seenRun))
    if (other?.found !== undefined && other.found !== null) {
      leave(line, run)
      return { ...other.found, outcome: "joined", endedMs: other.endedMs ?? other.startedMs }
    }
    return await backupOnce(context, {
      triggers: [...run.triggers],
      label: run.label,
      observe: (event) => run.observers.forEach((observe) => observe(event)),
      begun: () => leave(line, run),
    })
  } finally {
    lock.release()
  }
}

/** A restore that can't be settled stops the backups, so it counts as their failure. */
async function settle(context: RunContext, triggers: readonly string[]): Promise<void> {
  try {
    await context.settle?.()
  } catch (error) {
    recordFailure(context, triggers, error)
    throw error
  }
}

/** One at a time of the same location in this process. */
async function inTurn<T>(location: string, work: () => Promise<T>): Promise<T> {
  const { turns } = shared()
  const mine = (turns.get(location) ?? Promise.resolve()).then(work)
  turns.set(
    location,
    mine.catch(() => {}),
  )
  return await mine
}

const POLL_MS = 50

/**
 * The lock of runs, which a restore in place holds too. Waits without blocking the thread.
 * @throws the reason of the signal
 */
export async function takeRunLock(
  { stateFolder }: Pick<Setup, "stateFolder">,
  signal?: AbortSignal,
): Promise<FileLock> {
  for (;;) {
    signal?.throwIfAborted()
    const lock = takeFileLock(runLockOf(stateFolder), 0)
    if (lock !== undefined) return lock
    await setTimeout(POLL_MS * (0.5 + Math.random()))
  }
}

export function runLockOf(stateFolder: string): string {
  return join(stateFolder, "run.lock")
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  signal.throwIfAborted()
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error)
    signal.addEventListener("abort", abort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

export function syncNow({
  outcome,
  endedMs,
  snapshot,
  parent,
  flag,
  files,
  bytes,
  durationMs,
  warnings,
}: Ended): SyncNow {
  const time = new Date(endedMs).toISOString()
  return { v: 1, outcome, snapshot, time, parent, flag, files, bytes, durationMs, warnings }
}

function queued(): SyncNow {
  return {
    v: 1,
    outcome: "queued",
    snapshot: null,
    time: new Date().toISOString(),
    parent: null,
    flag: null,
    files: { new: 0, changed: 0, removed: 0, unchanged: 0 },
    bytes: { scanned: 0, new: 0, uploaded: 0 },
    durationMs: 0,
    warnings: [],
  }
}
