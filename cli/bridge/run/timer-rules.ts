/** When the timer's next run is due: pure rules over what the record says. */

export const MINUTE_MS = 60_000
const RETRY_MS_MAX = 30 * MINUTE_MS
/** A failure that only a person ends is tried again now and then: the person may have ended it. */
const PERSON_MS = 60 * MINUTE_MS
/** The share by which a wait is longer or shorter, so that many machines do not ask a store at the same moment. */
const JITTER = 0.1
/** The process that wanted a run starts it itself; after this time it is not there any more. */
const WANT_MS = MINUTE_MS

/** What the record of runs says now. */
export interface TimerFacts {
  readonly intervalMs: number
  /** When the last success ended, in milliseconds since 1970; undefined before the first. */
  readonly successMs: number | undefined
  /** Failures since then, and when the last one ended. */
  readonly failures: number
  readonly failedMs: number | undefined
  /** The last failure does not end by itself. */
  readonly needsPerson: boolean
  readonly paused: boolean
  /** Since when a run is wanted; undefined if none is. */
  readonly wantedMs: number | undefined
}

/** 1, 2, 4 … 30 minutes; an hour if only a person ends the failure. @param failures in a row, at least 1 */
export function retryDelayMs(failures: number, needsPerson = false): number {
  if (needsPerson) return PERSON_MS
  return Math.min(2 ** Math.min(failures - 1, 10) * MINUTE_MS, RETRY_MS_MAX)
}

/** @param share from 0 to 1 */
export function jittered(ms: number, share: number): number {
  return ms * (1 - JITTER + 2 * JITTER * share)
}

/**
 * @param share of the jitter, the same until a run ends
 * @returns in milliseconds since 1970; in the past if a run is overdue
 */
export function dueMs(
  { intervalMs, successMs, failures, failedMs, needsPerson, wantedMs }: TimerFacts,
  share: number,
): number {
  if (failures > 0 && failedMs !== undefined)
    return failedMs + jittered(retryDelayMs(failures, needsPerson), share)
  const regular = successMs === undefined ? 0 : successMs + jittered(intervalMs, share)
  return wantedMs === undefined ? regular : Math.min(regular, wantedMs + WANT_MS)
}

/**
 * Whether one pass of a timer that another program keeps backs up now. Cron keeps the interval itself; both wait after
 * failures and while paused. A time in the future is of a wrong clock.
 */
export function isDue(facts: TimerFacts, nowMs: number, kind: "interval" | "cron"): boolean {
  const { paused, failures, failedMs, successMs, wantedMs } = facts
  if (paused) return false
  const isFailing = failures > 0 && failedMs !== undefined
  if (!isFailing && (kind === "cron" || wantedMs !== undefined)) return true
  const lastMs = isFailing ? failedMs : successMs
  return lastMs === undefined || lastMs > nowMs || dueMs(facts, 0) <= nowMs
}
