/**
 * The timer of an agent on this machine: timer.ts with the real clock, the record and the queue as its ports. Also
 * the wishes of hooks, which are debounced and leave a mark in the record, so that a crash forgets none.
 */
import { monotonicMs } from "../../../engine/base/ports.ts"
import type { Host, Setup } from "../setup.ts"
import type { SyncNow } from "../results.ts"
import type { RunContext } from "./context.ts"
import { noteCronCall } from "./cron.ts"
import { takeTimer } from "./holder.ts"
import { noticeIfDue, type Notify } from "./notice.ts"
import { pausedUntil } from "./pause.ts"
import { requestRun, type RunCall } from "./queue.ts"
import { withRecord } from "./record.ts"
import { shared } from "./shared.ts"
import { startTimer, type Timer } from "./timer.ts"
import { isDue, MINUTE_MS, type TimerFacts } from "./timer-rules.ts"

export interface KeepRequest {
  readonly host: Host
  /** The agent as it is configured now; undefined while it is not. */
  readonly context: () => Promise<RunContext | undefined>
  readonly notify: Notify | undefined
  /** False: the process ends although the timer waits. */
  readonly keepsProcess: boolean
}

export function keepInterval({ host, context, notify, keepsProcess }: KeepRequest): Timer {
  return startTimer({
    now: Date.now,
    monotonic: monotonicMs,
    random: Math.random,
    after(ms, run) {
      const timer = setTimeout(run, ms)
      if (!keepsProcess) timer.unref()
      return () => clearTimeout(timer)
    },
    async takeLock() {
      const found = await context()
      return found === undefined ? undefined : takeTimer(found.setup.stateFolder, host)
    },
    async facts() {
      const found = await context()
      return found === undefined ? undefined : factsOf(found.setup)
    },
    async run(why) {
      const found = await context()
      if (found === undefined) return false
      const wanted = withRecord(found.setup, (record) => record.wants().map(({ trigger }) => trigger))
      return await succeeds(found, wanted.length > 0 ? wanted : [why])
    },
    async look() {
      const found = await context()
      if (found !== undefined) await noticeIfDue(found.setup, notify)
    },
  })
}

function factsOf(setup: Setup): TimerFacts {
  return withRecord(setup, (record) => {
    const success = record.newestSuccess()
    const newest = record.newest()
    return {
      intervalMs: setup.settings.intervalMinutes * MINUTE_MS,
      successMs: success?.endedMs ?? undefined,
      failures: record.failures(),
      failedMs: newest?.outcome === "failed" ? (newest.endedMs ?? newest.startedMs) : undefined,
      needsPerson: newest?.found?.needsPerson === true,
      paused: pausedUntil(record, Date.now()) !== undefined,
      wantedMs: record.wants()[0]?.sinceMs,
    }
  })
}

/** All triggers belong to one run: calls before its scan join it. */
async function succeeds(context: RunContext, triggers: readonly string[]): Promise<boolean> {
  const calls = triggers.map(async (trigger) => await requestRun(context, { trigger, wait: true }))
  return (await Promise.allSettled(calls)).every(({ status }) => status === "fulfilled")
}

/**
 * One pass of a timer that another program keeps: cron, or whoever calls `agent run --once`.
 * @returns undefined if nothing is due: paused, too early, or after a failure
 * @throws what the run throws
 */
export async function passOnce(context: RunContext, call: RunCall): Promise<SyncNow | undefined> {
  const { setup } = context
  const kind = call.trigger === "cron" ? "cron" : "interval"
  if (kind === "cron") noteCronCall(setup)
  if (!isDue(factsOf(setup), Date.now(), kind)) return undefined
  const wanted = withRecord(setup, (record) => record.wants())
  const all = [call, ...wanted.map(({ trigger }): RunCall => ({ trigger, wait: call.wait }))]
  const [result] = await Promise.all(all.map(async (each) => await requestRun(context, each)))
  return result
}

const DEBOUNCE_MS = 15_000
/** Wishes that keep coming do not put a run off for ever. */
const DEBOUNCE_MS_MAX = MINUTE_MS

/** Requests a run of whoever keeps the timer, now or after the next start. */
export function markWanted(setup: Pick<Setup, "stateFolder">, trigger: string): void {
  withRecord(setup, (record) => record.want(trigger, Date.now()))
}

/** Requests a run soon. The mark remains until a run that began after it has succeeded. */
export async function wantRun(
  context: () => Promise<RunContext | undefined>,
  trigger: string,
): Promise<void> {
  const found = await context()
  if (found === undefined) return
  const { stateFolder } = found.setup
  markWanted(found.setup, trigger)
  const { wishes } = shared()
  const wish = wishes.get(stateFolder)
  clearTimeout(wish?.timer)
  const firstMs = wish?.firstMs ?? monotonicMs()
  const waitMs = Math.min(DEBOUNCE_MS, Math.max(0, firstMs + DEBOUNCE_MS_MAX - monotonicMs()))
  const timer = setTimeout(() => {
    wishes.delete(stateFolder)
    void carryOutWishes(context).catch(() => {}) // the mark remains, and the timer tries again
  }, waitMs)
  timer.unref()
  wishes.set(stateFolder, { timer, firstMs })
}

async function carryOutWishes(context: () => Promise<RunContext | undefined>): Promise<void> {
  const found = await context()
  if (found === undefined) return
  const wants = withRecord(found.setup, (record) =>
    pausedUntil(record, Date.now()) === undefined ? record.wants() : [],
  )
  if (wants.length > 0)
    await succeeds(
      found,
      wants.map(({ trigger }) => trigger),
    )
}
