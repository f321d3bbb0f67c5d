/**
 * `sync_status`: what this device knows of an agent's backups, from local files alone, without a request. The record
 * of runs says what ran, the home's log which snapshots there are, a walk of the disk what has changed since.
 */
import { isFileLocked, snapshots, sourceFiles, type LocalSnapshots } from "../../../engine/index.ts"
import type { AgentState, SyncStatus, Warning } from "../results.ts"
import type { NotReady, Setup } from "../setup.ts"
import { mainTrigger } from "./backup-once.ts"
import { type CronLine, cronLine } from "./cron.ts"
import { timerHolder } from "./holder.ts"
import { failingNote, runsIn, type Runs, staleNote } from "./judge.ts"
import { changedFiles, type Known, known, newestBackup } from "./known.ts"
import { pausedUntil } from "./pause.ts"
import { problemOf } from "./problems.ts"
import { runLockOf } from "./queue.ts"
import { type Run, withRecord } from "./record.ts"
import { sourceOf } from "./source.ts"
import { MINUTE_MS, retryDelayMs } from "./timer-rules.ts"

export interface StatusRequest {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Also lists the store. */
  readonly verbose: boolean
  readonly nowMs?: number
}

const RECENT = 10
/** Warnings of the last run that mean that the snapshot lacks something. */
const LACKING = ["files-left-out", "secrets-blocked", "raw-capture", "suspected-wipe"]

/** What the record says, read in one go, and what else is known. */
interface Facts extends Runs {
  readonly paused: number | undefined
  readonly setup: Setup
  readonly nowMs: number
  readonly local: Known | undefined
  readonly isRunning: boolean
  /** When the last success ended, in milliseconds since 1970. */
  readonly successMs: number | undefined
  readonly cron: CronLine | undefined
}

export async function statusOf(setup: Setup, request: StatusRequest): Promise<SyncStatus> {
  const { nowMs = Date.now() } = request
  const warnings = [...setup.waiting, ...setup.warnings]
  if (request.verbose) warnings.push(...(await askStore(setup)))
  let local: Known | undefined
  try {
    local = known(setup, request.environment)
  } catch (error) {
    warnings.push(problemOf(error))
  }
  const recorded = withRecord(setup, (record) => ({
    ...runsIn(record),
    paused: pausedUntil(record, nowMs),
    cron: cronLine(record, setup.settings.intervalMinutes, nowMs),
  }))
  const isRunning = isFileLocked(runLockOf(setup.stateFolder))
  const successMs = recorded.success?.endedMs ?? newestMs(local)
  const facts: Facts = { ...recorded, setup, nowMs, local, isRunning, successMs }
  warnings.push(...(recorded.success?.found?.warnings ?? []))
  if (recorded.cron?.silent !== undefined) warnings.push(recorded.cron.silent)
  return { ...describe(facts), warnings }
}

export function statusNotReady({ state, workspace, problem }: NotReady): SyncStatus {
  return {
    v: 1,
    state,
    problem,
    lastBackup: null,
    lastAttempt: null,
    nextRun: null,
    timer: { holder: "none", intervalMinutes: 0 },
    dirty: null,
    repository: null,
    retention: null,
    lastVerify: null,
    recent: [],
    warnings: [problem],
    profile: null,
    agentId: null,
    workspaceId: null,
    workspace,
  }
}

function newestMs(local: LocalSnapshots | undefined): number | undefined {
  const newest = newestBackup(local)
  return newest === undefined ? undefined : Number(newest.timeNs / 1_000_000n)
}

/** The look at the store brings the local log up to date. */
async function askStore(setup: Setup): Promise<Warning[]> {
  try {
    const repository = await setup.openRepository()
    try {
      await snapshots(repository, { series: setup.series })
      return repository.session.alarms.map((alarm) => problemOf(alarm, setup.destination))
    } finally {
      repository.close()
    }
  } catch (error) {
    return [problemOf(error, setup.destination)]
  }
}

function describe(facts: Facts): Omit<SyncStatus, "warnings"> {
  const { setup, success, nowMs, local, isRunning, newest } = facts
  const { profile, agentId, workspaceId, retentionDays } = setup.settings
  const { state, problem } = stateOf(facts)
  const timer = timerOf(facts)
  return {
    v: 1,
    state,
    ...(problem === undefined ? {} : { problem }),
    lastBackup: lastBackupOf(success, local, nowMs),
    lastAttempt: newest === undefined ? null : attemptOf(newest, isRunning),
    nextRun: timer.holder === "none" ? null : nextRunOf(facts, timer.holder),
    timer,
    dirty: dirtyOf(setup, success),
    repository: repositoryOf(setup, local),
    retention: {
      days: retentionDays,
      prunedBy: "nobody yet",
      note: `snapshots older than ${retentionDays} days are kept until holdfast can remove them`,
    },
    lastVerify: null,
    recent: recentOf(local),
    profile,
    agentId,
    workspaceId,
    workspace: setup.workspace,
  }
}

/** A process that keeps the interval has its lock; of cron there are only its calls. */
function timerOf({ setup, cron }: Facts): SyncStatus["timer"] {
  const { intervalMinutes } = setup.settings
  const holder = timerHolder(setup.stateFolder)
  if (holder !== undefined) return { holder: holder.host, pid: holder.pid, intervalMinutes }
  return { holder: cron !== undefined && cron.silent === undefined ? "cron" : "none", intervalMinutes }
}

interface Judged {
  readonly state: AgentState
  readonly problem?: Warning | undefined
}

function stateOf(facts: Facts): Judged {
  const { setup, success, isRunning, paused, nowMs, successMs } = facts
  if (isRunning) return { state: "running" }
  if (paused !== undefined) return { state: "paused", problem: pausedNote(paused) }
  const failing = failingNote(facts)
  if (failing !== undefined) return { state: "failing", problem: failing }
  if (setup.waiting[0] !== undefined) return { state: "needs_approval", problem: setup.waiting[0] }
  const stale = staleNote(setup, successMs, nowMs)
  if (stale !== undefined) return { state: "stale", problem: stale }
  const lacking = success?.found?.warnings.find(({ code }) => LACKING.includes(code))
  if (lacking !== undefined) return { state: "degraded", problem: lacking }
  return { state: "ok" }
}

function pausedNote(untilMs: number): Warning {
  const until = untilMs === 0 ? "" : ` until ${isoOf(untilMs)}`
  return { code: "paused", message: `the timer is paused${until}`, hint: "run: holdfast agent resume" }
}

function lastBackupOf(
  success: Run | undefined,
  local: LocalSnapshots | undefined,
  nowMs: number,
): SyncStatus["lastBackup"] {
  if (success?.found?.snapshot != null) {
    const { snapshot, files, bytes } = success.found
    return {
      snapshot,
      trigger: mainTrigger(success.triggers),
      filesChanged: files.new + files.changed + files.removed,
      bytesUploaded: bytes.uploaded,
      ...timeAndAge(success.endedMs ?? success.startedMs, nowMs),
    }
  }
  const newest = newestBackup(local)
  if (newest === undefined) return null
  const { digest: snapshot, trigger, summary, timeNs } = newest
  return {
    snapshot,
    trigger,
    filesChanged: changedFiles(local?.snapshots ?? [])(newest),
    bytesUploaded: summary.dataAddedPacked,
    ...timeAndAge(Number(timeNs / 1_000_000n), nowMs),
  }
}

function timeAndAge(ms: number, nowMs: number): { time: string; ageSeconds: number } {
  return { time: isoOf(ms), ageSeconds: Math.max(0, Math.round((nowMs - ms) / 1000)) }
}

/** A run that is recorded as running was killed, unless one runs. */
function attemptOf(run: Run, isRunning: boolean): SyncStatus["lastAttempt"] {
  const outcome = run.outcome === "running" && !isRunning ? "killed" : run.outcome
  const problem = run.found?.problem
  return {
    time: isoOf(run.startedMs),
    trigger: mainTrigger(run.triggers),
    outcome,
    ...(problem === undefined ? {} : { problem }),
  }
}

/** Cron's next call is known only by its last one. */
function nextRunOf(facts: Facts, holder: SyncStatus["timer"]["holder"]): string | null {
  const { paused, failures, newest, successMs, setup, nowMs, cron } = facts
  if (paused !== undefined) return paused === 0 ? null : isoOf(Math.max(paused, nowMs))
  if (holder === "cron")
    return cron?.seenMs === undefined ? null : isoOf(Math.max(cron.seenMs + cron.everyMs, nowMs))
  const needsPerson = newest?.found?.needsPerson === true
  const intervalMs = setup.settings.intervalMinutes * MINUTE_MS
  const due =
    failures > 0
      ? (newest?.endedMs ?? newest?.startedMs ?? nowMs) + retryDelayMs(failures, needsPerson)
      : (successMs ?? nowMs) + intervalMs
  return isoOf(Math.max(due, nowMs))
}

/** Counts files whose size, content or name changed after the last scan began, and files that are gone. */
function dirtyOf(setup: Setup, success: Run | undefined): SyncStatus["dirty"] {
  if (success?.found == null) return null
  const sinceNs = BigInt(success.startedMs) * 1_000_000n
  let [files, changed, firstNs] = [0, 0, 0n]
  try {
    for (const { ctimeNs } of sourceFiles({
      ...sourceOf(setup),
      sqlite: setup.capture.sqlite,
      home: setup.home,
    })) {
      files++
      if (ctimeNs <= sinceNs) continue
      changed++
      if (firstNs === 0n || ctimeNs < firstNs) firstNs = ctimeNs
    }
  } catch {
    return null
  }
  const { new: added, changed: rewritten, unchanged } = success.found.files
  const gone = Math.max(0, added + rewritten + unchanged - files)
  return { files: changed + gone, since: firstNs === 0n ? null : isoOf(Number(firstNs / 1_000_000n)) }
}

function repositoryOf(setup: Setup, local: Known | undefined): SyncStatus["repository"] {
  const { kind, displayName } = setup.destination
  return {
    kind,
    displayName,
    id: local?.repository ?? null,
    encrypted: true,
    snapshots: local?.count ?? 0,
    storedBytes: local?.packedBytes ?? null,
    logicalBytes: local?.logicalBytes ?? null,
  }
}

function recentOf(local: LocalSnapshots | undefined): SyncStatus["recent"] {
  const all = local?.snapshots ?? []
  const changed = changedFiles(all)
  return all
    .slice(-RECENT)
    .toReversed()
    .map((snapshot) => ({
      timestamp: isoOf(Number(snapshot.timeNs / 1_000_000n)),
      snapshot: snapshot.digest,
      trigger: snapshot.trigger,
      filesChanged: changed(snapshot),
      flag: snapshot.good ? null : snapshot.flag,
    }))
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
