import assert from "node:assert/strict"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { isFileLocked } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { RunContext } from "./context.ts"
import { takeTimer, timerHolder } from "./holder.ts"
import { keepInterval, wantRun } from "./keep.ts"
import { pause } from "./pause.ts"
import { queueIdle, requestRun, runLockOf } from "./queue.ts"
import { type Run, withRecord } from "./record.ts"

const contextOf = ({ setup }: AgentPlace): RunContext => ({ setup, by: "plugin" })
const newest = ({ setup }: AgentPlace): Run | undefined => withRecord(setup, (record) => record.newest())
const wants = ({ setup }: AgentPlace): string[] =>
  withRecord(setup, (record) => record.wants().map(({ trigger }) => trigger))

/** Until the run that a timer has started is recorded. */
async function ended(place: AgentPlace): Promise<Run> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    const run = newest(place)
    if (run !== undefined && run.outcome !== "running" && !isFileLocked(runLockOf(place.setup.stateFolder)))
      return run
  }
}

test("wantRun() waits for 15 quiet seconds, then makes one run of all wishes", async (t) => {
  const place = await agentPlace(t)
  const context = async (): Promise<RunContext> => contextOf(place)
  t.mock.timers.enable({ apis: ["setTimeout"] })
  await wantRun(context, "session_end")
  t.mock.timers.tick(14_000)
  await wantRun(context, "compaction")
  assert.deepEqual(wants(place).toSorted(), ["compaction", "session_end"])
  t.mock.timers.tick(14_999)
  assert.equal(newest(place), undefined)
  t.mock.timers.tick(1)
  const run = await ended(place)
  assert.deepEqual(run.triggers.toSorted(), ["compaction", "session_end"])
  assert.deepEqual(wants(place), [])
})

test("wantRun() leaves the run to a call that came first, and its mark to the timer while paused", async (t) => {
  const place = await agentPlace(t)
  const context = async (): Promise<RunContext> => contextOf(place)
  t.mock.timers.enable({ apis: ["setTimeout"] })
  await wantRun(context, "session_end")
  await requestRun(contextOf(place), { trigger: "manual", wait: true })
  t.mock.timers.tick(15_000)
  await new Promise((resolve) => setImmediate(resolve))
  await queueIdle(place.setup)
  assert.equal(newest(place)?.id, 1)
  pause(place.setup, undefined)
  await wantRun(context, "session_end")
  t.mock.timers.tick(15_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(wants(place), ["session_end"])
})

test("takeTimer() keeps the lock if its note can't be written", async (t) => {
  const { stateFolder } = (await agentPlace(t)).setup
  mkdirSync(join(stateFolder, "timer.holder"))
  const lock = takeTimer(stateFolder, "daemon")
  assert.notEqual(lock, undefined)
  assert.deepEqual(timerHolder(stateFolder), { host: "daemon", pid: 0 })
  lock?.release()
})

test("a run that can't record its failure fails with its own error", async (t) => {
  const { setup } = await agentPlace(t)
  const openRepository = async (): Promise<never> => {
    const state = join(setup.stateFolder, "state.sqlite")
    for (const end of ["", "-wal", "-shm"]) rmSync(state + end, { force: true })
    mkdirSync(state)
    throw new Error("the store is gone")
  }
  const run = requestRun(
    { setup: { ...setup, openRepository }, by: "cli" },
    { trigger: "manual", wait: true },
  )
  await assert.rejects(run, /the store is gone/)
})

test("keepInterval() keeps the timer for one host at a time, and says for which", async (t) => {
  const place = await agentPlace(t)
  const context = async (): Promise<RunContext> => contextOf(place)
  t.mock.timers.enable({ apis: ["setTimeout"] })
  const how = { context, notify: undefined, keepsProcess: false }
  const first = keepInterval({ ...how, host: "plugin" })
  const second = keepInterval({ ...how, host: "mcp" })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(timerHolder(place.setup.stateFolder), { host: "plugin", pid: process.pid })
  second.stop()
  first.stop()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(timerHolder(place.setup.stateFolder), undefined)
})
