import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { snapshots } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import type { SyncStatus } from "../results.ts"
import type { Setup } from "../setup.ts"
import { takeTimer } from "./holder.ts"
import { pause } from "./pause.ts"
import { requestRun, takeRunLock } from "./queue.ts"
import { type RunFound, withRecord } from "./record.ts"
import { statusOf } from "./status.ts"

const MINUTE_MS = 60_000

async function status({ setup }: Pick<AgentPlace, "setup">, nowMs?: number): Promise<SyncStatus> {
  const found = await statusOf(setup, {
    environment: {},
    verbose: false,
    ...(nowMs === undefined ? {} : { nowMs }),
  })
  TOOL_SCHEMAS.sync_status.output.parse(found)
  return found
}

async function run({ setup }: AgentPlace): Promise<void> {
  await requestRun({ setup, by: "cli" }, { trigger: "manual", wait: true })
}

const EMPTY: RunFound = {
  snapshot: null,
  parent: null,
  flag: null,
  files: { new: 0, changed: 0, removed: 0, unchanged: 0 },
  bytes: { scanned: 0, new: 0, uploaded: 0 },
  durationMs: 0,
  warnings: [],
}

function fail({ setup }: AgentPlace, code: string): void {
  withRecord(setup, (record) => {
    const id = record.begin({ startedMs: Date.now(), by: "daemon", triggers: ["interval"] })
    record.end(id, "failed", { endedMs: Date.now(), found: { ...EMPTY, problem: { code, message: code } } })
  })
}

test("statusOf() is stale from two intervals and five minutes after the last success", async (t) => {
  const place = await agentPlace(t)
  assert.equal((await status(place)).state, "stale")
  await run(place)
  assert.equal((await status(place, Date.now() + 34 * MINUTE_MS)).state, "ok")
  const stale = await status(place, Date.now() + 36 * MINUTE_MS)
  assert.equal(stale.state, "stale")
  assert.ok((stale.lastBackup?.ageSeconds ?? 0) > 35 * 60)
})

test("statusOf() is failing after three failures in a row, or at once if the format is too new", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  fail(place, "down")
  fail(place, "down")
  assert.equal((await status(place)).state, "ok")
  fail(place, "down")
  const failing = await status(place)
  assert.deepEqual([failing.state, failing.problem?.code], ["failing", "down"])
  assert.deepEqual([failing.lastAttempt?.outcome, failing.lastAttempt?.problem?.code], ["failed", "down"])
  await run(place)
  assert.equal((await status(place)).state, "ok")
  fail(place, "format-too-new")
  assert.equal((await status(place)).state, "failing")
})

test("statusOf() is running, then paused, then waits for approval", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  const waiting = { code: "destination", message: "another bucket waits for approval" }
  const setup: Setup = { ...place.setup, waiting: [waiting] }
  assert.equal((await status({ setup })).state, "needs_approval")
  pause(place.setup, 2 * 60 * MINUTE_MS)
  assert.equal((await status({ setup })).state, "paused")
  const lock = await takeRunLock(place.setup)
  assert.equal((await status({ setup })).state, "running")
  lock.release()
  assert.equal((await status({ setup }, Date.now() + 3 * 60 * MINUTE_MS)).state, "needs_approval")
})

test("statusOf() says who keeps the timer and when the next run is", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  const before = await status(place)
  assert.deepEqual([before.timer.holder, before.nextRun], ["none", null])
  const lock = takeTimer(place.setup.stateFolder, "mcp")
  const { timer, nextRun, lastBackup } = await status(place)
  assert.deepEqual(timer, { holder: "mcp", pid: process.pid, intervalMinutes: 15 })
  assert.equal(Date.parse(nextRun ?? "") - Date.parse(lastBackup?.time ?? ""), 15 * MINUTE_MS)
  lock?.release()
  assert.equal((await status(place)).timer.holder, "none")
})

test("statusOf() counts changed, new and removed files without reading them", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  assert.deepEqual((await status(place)).dirty, { files: 0, since: null })
  place.write("memory/2026-11-01.md", "changed\n")
  place.write("memory/new.md", "new\n")
  rmSync(join(place.workspace, "memory/2026-11-02.md"))
  place.write("memory/secret.key", "left out\n")
  const { dirty } = await status(place)
  assert.equal(dirty?.files, 2, "a removed file is hidden by a new one")
  assert.ok(Math.abs(Date.parse(dirty.since ?? "") - Date.now()) < MINUTE_MS)
})

test("statusOf() adds up all snapshots, and still does when its sums are lost", async (t) => {
  const place = await agentPlace(t)
  let expected = 0
  for (let i = 0; i < 4; i++) {
    place.write("MEMORY.md", "x".repeat(1000 + i))
    await run(place)
    const repository = await place.open()
    expected = (await snapshots(repository)).reduce((sum, { summary }) => sum + summary.bytes, 0)
    repository.close()
    assert.equal((await status(place)).repository?.logicalBytes, expected)
  }
  rmSync(join(place.setup.stateFolder, "state.sqlite"))
  const lost = await status(place)
  assert.equal(lost.repository?.logicalBytes, expected)
  assert.equal(lost.recent.length, 4)
  assert.notEqual(lost.lastBackup, null, "from the log of the home")
})

test("statusOf() with verbose asks the store, and says when that fails", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  rmSync(place.repository, { recursive: true })
  const quiet = await status(place)
  assert.deepEqual(quiet.warnings, [])
  const asked = await statusOf(place.setup, { environment: {}, verbose: true })
  TOOL_SCHEMAS.sync_status.output.parse(asked)
  assert.equal(asked.warnings.length, 1)
})
