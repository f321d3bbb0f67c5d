/**
 * Keeps the interval: a plain timer that arms itself again. One keeper for each workspace has the lock; the others try
 * again every minute and take over when it ends. The next run is due one interval after the last success, whoever made
 * it. The timer wakes at least once a minute and compares clocks, so after a sleep of the machine it makes one run,
 * not one for each interval that passed. Clocks, timers and the work itself are ports, so that tests live through
 * days in milliseconds.
 */
import type { FileLock } from "../../../engine/index.ts"
import { dueMs, jittered, MINUTE_MS, retryDelayMs, type TimerFacts } from "./timer-rules.ts"

export interface TimerPorts {
  /** Milliseconds since 1970 by the machine's clock, which may jump. */
  now(): number
  /** Milliseconds that never jump, and stand still while the machine sleeps. */
  monotonic(): number
  /** Calls once. @returns cancels the call */
  after(ms: number, run: () => void): () => void
  /** From 0 to 1. */
  random(): number
  /** Undefined if another keeper has it, or while the agent has no approved configuration. */
  takeLock(): Promise<FileLock | undefined>
  /** Undefined while the agent has no approved configuration. */
  facts(): Promise<TimerFacts | undefined>
  /** False if it failed. Never throws. */
  run(why: "start" | "interval"): Promise<boolean>
  /** Called now and then after the first run: a person may have to hear of a problem. */
  look(): Promise<void>
}

/** At the start the machine and the host have other things to do. */
const SETTLE_MS = 30_000

interface Keeper {
  lock: FileLock | undefined
  stopped: boolean
  cancel: () => void
  /** No run before this monotonic time: settling, or failures that no record counts. */
  notBefore: number
  failures: number
  /** The last run as the record had it, and when this keeper saw it first. */
  seen: { readonly run: string; readonly monotonic: number; readonly share: number }
  hasRun: boolean
}

export interface Timer {
  /** Ends at once; a run that is active goes on. */
  stop(): void
}

export function startTimer(ports: TimerPorts): Timer {
  const keeper: Keeper = {
    lock: undefined,
    stopped: false,
    cancel: () => {},
    notBefore: 0,
    failures: 0,
    seen: { run: "", monotonic: ports.monotonic(), share: ports.random() },
    hasRun: false,
  }
  let isActive = false
  const wake = (): void => {
    isActive = true
    void step(ports, keeper)
      .catch(() => MINUTE_MS) // the home can't be read now: try again
      .then((waitMs) => {
        isActive = false
        if (keeper.stopped) keeper.lock?.release()
        else keeper.cancel = ports.after(waitMs, wake)
      })
  }
  wake()
  return {
    stop() {
      keeper.stopped = true
      keeper.cancel()
      if (!isActive) keeper.lock?.release()
    },
  }
}

/** Does what is due. @returns after how many milliseconds to look again, at most a minute */
async function step(ports: TimerPorts, keeper: Keeper): Promise<number> {
  if (keeper.lock === undefined) {
    keeper.lock = await ports.takeLock()
    if (keeper.lock === undefined) return MINUTE_MS
    keeper.notBefore = ports.monotonic() + SETTLE_MS
  }
  const facts = await ports.facts()
  if (facts === undefined || facts.paused) return MINUTE_MS
  const waitMs = waitFor(ports, keeper, facts)
  if (waitMs > 0) {
    if (keeper.hasRun) await ports.look()
    return Math.min(waitMs, MINUTE_MS)
  }
  const isGood = await ports.run(keeper.hasRun ? "interval" : "start")
  keeper.hasRun = true
  keeper.failures = isGood ? 0 : keeper.failures + 1
  // the record may lack the run: then this keeper alone waits
  const pauseMs = isGood ? MINUTE_MS : jittered(retryDelayMs(keeper.failures), ports.random())
  keeper.notBefore = ports.monotonic() + pauseMs
  await ports.look()
  return Math.min(pauseMs, MINUTE_MS)
}

function waitFor(ports: TimerPorts, keeper: Keeper, facts: TimerFacts): number {
  const monotonic = ports.monotonic()
  const { successMs, failures, failedMs, needsPerson, intervalMs } = facts
  const run = `${successMs} ${failures} ${failedMs}`
  if (keeper.seen.run !== run) {
    keeper.seen = { run, monotonic, share: ports.random() }
    // another process has succeeded meanwhile
    if (failures === 0) keeper.notBefore = Math.min(keeper.notBefore, monotonic + MINUTE_MS)
  }
  const { share, monotonic: since } = keeper.seen
  const byClock = dueMs(facts, share) - ports.now()
  // the clock may have been set back
  const delayMs = failures > 0 ? retryDelayMs(failures, needsPerson) : intervalMs
  const byTimer = since + jittered(delayMs, share) - monotonic
  return Math.max(Math.min(byClock, byTimer), keeper.notBefore - monotonic)
}
