import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { test } from "node:test"
import fc from "fast-check"
import { startTimer, type Timer } from "./timer.ts"
import { dueMs, isDue, MINUTE_MS, retryDelayMs, type TimerFacts } from "./timer-rules.ts"

const SEED = Number.parseInt(process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex"), 16) | 0
const INTERVAL_MS = 15 * MINUTE_MS
const RUN_MS = 20_000
const EPOCH_MS = Date.parse("2026-12-01T00:00:00Z")

/** One machine with a record, a lock and any number of processes that keep the timer. Time is simulated. */
interface Machine {
  monotonic: number
  /** The machine's clock minus the monotonic one: sleep and a person change it. */
  offset: number
  readonly calls: Set<{ readonly at: number; readonly run: () => void }>
  holder: number | undefined
  successMs: number | undefined
  failures: number
  failedMs: number | undefined
  needsPerson: boolean
  paused: boolean
  wantedMs: number | undefined
  isDown: boolean
  /** Monotonic starts of runs, whoever made them. */
  readonly runs: number[]
  /** Since when the timer has had to work, and the time of the last success or failure since then. */
  last: number
  active: number
  problems: string[]
  random: () => number
}

function machine(random: () => number): Machine {
  return {
    monotonic: 1_000_000,
    offset: EPOCH_MS,
    calls: new Set(),
    holder: undefined,
    successMs: undefined,
    failures: 0,
    failedMs: undefined,
    needsPerson: false,
    paused: false,
    wantedMs: undefined,
    isDown: false,
    runs: [],
    last: 1_000_000,
    active: 0,
    problems: [],
    random,
  }
}

const nowOf = (on: Machine): number => on.monotonic + on.offset

function keep(on: Machine, keeper: number): Timer {
  const after = (ms: number, run: () => void): (() => void) => {
    const call = { at: on.monotonic + Math.max(0, ms), run }
    on.calls.add(call)
    return () => void on.calls.delete(call)
  }
  return startTimer({
    now: () => nowOf(on),
    monotonic: () => on.monotonic,
    after,
    random: on.random,
    takeLock: async () => {
      if (on.holder !== undefined) return undefined
      on.holder = keeper
      return {
        release: () => {
          if (on.holder === keeper) on.holder = undefined
        },
      }
    },
    facts: async (): Promise<TimerFacts> => ({
      intervalMs: INTERVAL_MS,
      successMs: on.successMs,
      failures: on.failures,
      failedMs: on.failedMs,
      needsPerson: on.needsPerson,
      paused: on.paused,
      wantedMs: on.wantedMs,
    }),
    run: async () =>
      await new Promise<boolean>((resolve) => {
        if (on.holder !== keeper) on.problems.push(`${keeper} ran without the lock`)
        if (on.active++ > 0) on.problems.push("two runs at once")
        if (on.paused) on.problems.push("a run while paused")
        on.runs.push(on.monotonic)
        after(RUN_MS, () => {
          on.active--
          endRun(on)
          resolve(!on.isDown)
        })
      }),
    look: async () => {},
  })
}

function endRun(on: Machine): void {
  on.last = on.monotonic
  if (on.isDown) {
    on.failures++
    on.failedMs = nowOf(on)
    return
  }
  on.successMs = nowOf(on)
  on.failures = 0
  on.failedMs = undefined
  on.wantedMs = undefined
}

/** Lets every promise that can go on go on. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function advance(on: Machine, ms: number, check: () => void = () => {}): Promise<void> {
  const end = on.monotonic + ms
  for (;;) {
    await quiet()
    const next = [...on.calls].toSorted((a, b) => a.at - b.at)[0]
    if (next === undefined || next.at > end) break
    on.monotonic = Math.max(on.monotonic, next.at)
    on.calls.delete(next)
    next.run()
    await quiet()
    check()
  }
  on.monotonic = end
}

test("startTimer() makes a run at the start and then one each interval, with jitter", async () => {
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  await advance(on, 24 * 60 * MINUTE_MS)
  timer.stop()
  assert.equal(on.runs[0], 1_000_000 + 30_000, "after the settling time")
  const gaps = on.runs.slice(1).map((at, i) => at - (on.runs[i] ?? 0) - RUN_MS)
  assert.ok(gaps.length > 90, `${gaps.length} runs in a day`)
  for (const gap of gaps) assert.ok(Math.abs(gap - INTERVAL_MS) <= INTERVAL_MS * 0.1 + 1, `${gap}`)
})

test("startTimer() makes one run after a night's sleep, not one for each interval", async () => {
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  await advance(on, 20 * MINUTE_MS)
  const before = on.runs.length
  on.offset += 9 * 60 * MINUTE_MS // monotonic time stands still in sleep
  await advance(on, 2 * MINUTE_MS)
  assert.equal(on.runs.length, before + 1)
  await advance(on, 10 * MINUTE_MS)
  assert.equal(on.runs.length, before + 1)
  timer.stop()
})

test("startTimer() goes on when the clock is set back by a day", async () => {
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  await advance(on, 20 * MINUTE_MS)
  const before = on.runs.length
  on.offset -= 24 * 60 * MINUTE_MS
  await advance(on, 17 * MINUTE_MS)
  assert.ok(on.runs.length > before)
  timer.stop()
})

test("startTimer() waits 1, 2, 4 and at most 30 minutes after failures, and is back at the interval after one success", async () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 99].map((n) => retryDelayMs(n) / MINUTE_MS),
    [1, 2, 4, 8, 16, 30, 30],
  )
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  on.isDown = true
  await advance(on, 9 * MINUTE_MS)
  const gaps = on.runs.slice(1).map((at, i) => Math.round((at - (on.runs[i] ?? 0) - RUN_MS) / MINUTE_MS))
  assert.deepEqual(gaps, [1, 2, 4])
  await advance(on, 24 * 60 * MINUTE_MS)
  on.isDown = false
  await advance(on, 34 * MINUTE_MS)
  assert.equal(on.failures, 0)
  const { length } = on.runs
  await advance(on, 60 * MINUTE_MS)
  assert.ok(on.runs.length - length >= 3)
  timer.stop()
})

test("startTimer() is back at the interval after another process has succeeded", async () => {
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  on.isDown = true
  await advance(on, 64 * MINUTE_MS)
  on.isDown = false
  endRun(on)
  const before = on.runs.length
  await advance(on, 18 * MINUTE_MS)
  assert.equal(on.runs.length, before + 1)
  timer.stop()
})

test("startTimer() takes over within two minutes when the keeper ends, and only one keeps at a time", async () => {
  const on = machine(() => 0.5)
  const [first, second] = [keep(on, 1), keep(on, 2)]
  await advance(on, 40 * MINUTE_MS)
  assert.equal(on.holder, 1)
  first.stop()
  await advance(on, 2 * MINUTE_MS)
  assert.equal(on.holder, 2)
  const before = on.runs.length
  await advance(on, 20 * MINUTE_MS)
  assert.ok(on.runs.length > before)
  second.stop()
  await advance(on, RUN_MS)
  assert.equal(on.holder, undefined)
})

test("startTimer() makes a wanted run whose process has died", async () => {
  const on = machine(() => 0.5)
  const timer = keep(on, 1)
  await advance(on, 2 * MINUTE_MS)
  const before = on.runs.length
  on.wantedMs = nowOf(on) - 5 * MINUTE_MS
  await advance(on, 2 * MINUTE_MS)
  assert.equal(on.runs.length, before + 1)
  timer.stop()
})

test("dueMs() lets a wish wait while failures back off", () => {
  const facts = {
    intervalMs: INTERVAL_MS,
    successMs: 0,
    failures: 3,
    failedMs: 1000,
    needsPerson: false,
    paused: false,
    wantedMs: 0,
  }
  assert.equal(dueMs(facts, 0.5), 1000 + 4 * MINUTE_MS)
  assert.equal(dueMs({ ...facts, needsPerson: true }, 0.5), 1000 + 60 * MINUTE_MS)
})

test("isDue() lets cron keep the interval, and both kinds wait while paused and after failures", () => {
  const facts: TimerFacts = {
    intervalMs: INTERVAL_MS,
    successMs: EPOCH_MS,
    failures: 0,
    failedMs: undefined,
    needsPerson: false,
    paused: false,
    wantedMs: undefined,
  }
  const at = (minutes: number, changes: Partial<TimerFacts> = {}): [boolean, boolean] => {
    const now = EPOCH_MS + minutes * MINUTE_MS
    const all = { ...facts, ...changes }
    return [isDue(all, now, "interval"), isDue(all, now, "cron")]
  }
  assert.deepEqual(at(10), [false, true])
  assert.deepEqual(at(14), [true, true], "within the jitter")
  assert.deepEqual(at(10, { wantedMs: EPOCH_MS }), [true, true])
  assert.deepEqual(at(-60), [true, true], "the clock was set back")
  assert.deepEqual(at(10, { successMs: undefined }), [true, true])
  assert.deepEqual(at(99, { paused: true }), [false, false])
  const failed = { failures: 1, failedMs: EPOCH_MS, wantedMs: EPOCH_MS }
  assert.deepEqual(at(0.5, failed), [false, false])
  assert.deepEqual(at(2, failed), [true, true])
  assert.deepEqual(at(50, { ...failed, needsPerson: true }), [false, false])
  assert.deepEqual(at(60, { ...failed, needsPerson: true }), [true, true])
})

test("startTimer() tries once an hour while only a person can end the failure", async () => {
  const on = machine(() => 0.5)
  on.needsPerson = true
  on.isDown = true
  const timer = keep(on, 1)
  await advance(on, 24 * 60 * MINUTE_MS)
  assert.ok(on.runs.length >= 23 && on.runs.length <= 25, `${on.runs.length} runs in a day`)
  timer.stop()
})

type Event =
  | { readonly kind: "pass" | "sleep" | "clock"; readonly minutes: number }
  | { readonly kind: "start" | "stop" | "pause" | "resume" | "down" | "up" | "manual" | "want" }

const minutes = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max })
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: minutes(90).map((n): Event => ({ kind: "pass", minutes: n })) },
  minutes(900).map((n): Event => ({ kind: "sleep", minutes: n })),
  fc.integer({ min: -3000, max: 3000 }).map((n): Event => ({ kind: "clock", minutes: n })),
  {
    weight: 6,
    arbitrary: fc
      .constantFrom("start", "stop", "pause", "resume", "down", "up", "manual", "want")
      .map((kind): Event => ({ kind }) as Event),
  },
)

/** Interval, jitter and run, or a back-off; then a minute until the next look and the settling of a new keeper. */
const GAP_MS_MAX = 1.1 * 30 * MINUTE_MS + RUN_MS + 2 * MINUTE_MS + 30_000
const GAP_MS_OK = 1.1 * INTERVAL_MS + RUN_MS + 2 * MINUTE_MS + 30_000

/** A stretch in which a run must come begins anew when the timer had a reason not to run. */
function mayWork(on: Machine, keepers: ReadonlyMap<number, Timer>): boolean {
  return keepers.size > 0 && !on.paused
}

test("startTimer(): whatever happens, never two keepers, and never too long without a run", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 5, maxLength: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (events, shares) => {
        const on = machine(() => shares.next().value ?? 0.5)
        const keepers = new Map<number, Timer>()
        let names = 0
        const check = (): void => {
          const limit = on.failures > 0 || on.isDown ? GAP_MS_MAX : GAP_MS_OK
          const gap = on.monotonic - on.last
          if (mayWork(on, keepers) && on.active === 0 && gap > limit) on.problems.push(`no run for ${gap} ms`)
        }
        for (const each of events) {
          await happen(each)
          assert.deepEqual(on.problems, [])
        }
        for (const timer of keepers.values()) timer.stop()

        async function happen(each: Event): Promise<void> {
          switch (each.kind) {
            case "pass":
              return await advance(on, each.minutes * MINUTE_MS, check)
            case "sleep":
            case "clock":
              on.offset += each.minutes * MINUTE_MS
              break
            case "start":
              if (!mayWork(on, keepers)) on.last = on.monotonic
              keepers.set(++names, keep(on, names))
              break
            case "stop": {
              const [name, timer] = [...keepers][0] ?? []
              if (name === undefined) break
              timer?.stop()
              keepers.delete(name)
              on.last = on.monotonic
              break
            }
            case "pause":
              // a run that is active ends
              while (on.active > 0) await advance(on, RUN_MS, check)
              on.paused = true
              break
            case "resume":
              on.paused = false
              on.last = on.monotonic
              break
            case "down":
            case "up":
              on.isDown = each.kind === "down"
              on.last = on.monotonic
              break
            case "manual":
              if (on.active === 0) endRun(on)
              break
            case "want":
              on.wantedMs ??= nowOf(on)
          }
          await quiet()
        }
      },
    ),
    { seed: SEED, numRuns: 150 },
  )
})
