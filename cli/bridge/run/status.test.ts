import assert from "node:assert/strict"
import { cpSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { EngineError, snapshots, type ErrorKind } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { AgentProblem } from "../problem.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import type { SyncStatus } from "../results.ts"
import type { Setup } from "../setup.ts"
import { backupOnce } from "./backup-once.ts"
import { forgetCronLine, noteCronLine } from "./cron.ts"
import { takeTimer } from "./holder.ts"
import { markWanted, passOnce } from "./keep.ts"
import { pause, resume } from "./pause.ts"
import { needsPerson } from "./problems.ts"
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
  assert.equal((await status(place, Date.now() - 60 * MINUTE_MS)).state, "stale", "the clock was set back")
})

test("statusOf() is failing after three failures in a row", async (t) => {
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
})

test("statusOf() is failing at once if only a person can end the failure, with what to do", async (t) => {
  const place = await agentPlace(t)
  const older = join(place.folder, "older")
  await run(place)
  cpSync(place.repository, older, { recursive: true })
  place.write("MEMORY.md", "more\n".repeat(100))
  await run(place)
  const failing = async (): Promise<SyncStatus["problem"]> => {
    await assert.rejects(run(place))
    const { state, problem, lastAttempt } = await status(place)
    assert.equal(state, "failing")
    assert.equal(lastAttempt?.problem?.code, problem?.code)
    return problem
  }
  const newer = join(place.folder, "newer")
  renameSync(place.repository, newer)
  assert.match((await failing())?.hint ?? "", /mounted.*holdfast agent doctor/)
  renameSync(older, place.repository)
  const rolledBack = await failing()
  assert.equal(rolledBack?.code, "chain-rolled-back")
  assert.match(rolledBack?.hint ?? "", /holdfast connect --accept-head -r \/.*\/repository$/)
  rmSync(place.repository, { recursive: true })
  renameSync(newer, place.repository)
  await run(place)
  assert.equal((await status(place)).state, "ok")
})

test("needsPerson() is true of alarms, damage, keys, a missing repository, a newer format and a set-up that can't work", () => {
  const engine = (kind: ErrorKind, code: string): boolean => needsPerson(new EngineError(kind, code, ""))
  assert.deepEqual(
    [
      engine("untrusted", "chain-forked"),
      engine("corrupt", "pack-directory"),
      engine("not-found", "no-store"),
      engine("not-found", "no-secret"),
      engine("denied", "wrong-key"),
      engine("denied", "access"),
      engine("invalid", "format-too-new"),
      needsPerson(new AgentProblem("unfinished-restore", "")),
    ],
    Array.from({ length: 8 }, () => true),
  )
  assert.deepEqual(
    [
      engine("unavailable", "timeout"),
      engine("conflict", "busy"),
      engine("corrupt", "state-damaged"),
      needsPerson(new AgentProblem("busy", "")),
      needsPerson(Object.assign(new Error("ENOSPC"), { syscall: "write", code: "ENOSPC" })),
    ],
    Array.from({ length: 5 }, () => false),
  )
})

test("statusOf() says cron while its calls come, and that they stopped once a line was installed", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  assert.equal((await status(place)).timer.holder, "none")
  noteCronLine(place.setup, 15)
  const holder = async (minutes: number): Promise<readonly [string, boolean, boolean]> => {
    const { timer, nextRun, warnings } = await status(place, Date.now() + minutes * MINUTE_MS)
    return [timer.holder, nextRun !== null, warnings.some(({ code }) => code === "schedule-silent")]
  }
  assert.deepEqual(await holder(0), ["cron", false, false], "installed just now")
  assert.deepEqual(await holder(40), ["none", false, true])
  pause(place.setup, undefined)
  const call = { trigger: "cron", wait: true }
  assert.equal(await passOnce({ setup: place.setup, by: "cli" }, call), undefined)
  resume(place.setup)
  assert.deepEqual(await holder(30), ["cron", true, false], "a call while paused is a call")
  const silent = await status(place, Date.now() + 40 * MINUTE_MS)
  assert.match(silent.warnings.at(-1)?.message ?? "", /was installed at .*no backup since \d{4}-/)
  forgetCronLine(place.setup)
  assert.deepEqual(await holder(0), ["none", false, false])
})

test("statusOf() counts removed files of a snapshot, and no snapshot before a restore is the last backup", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  for (const name of ["memory", "MEMORY.md", "SOUL.md"])
    rmSync(join(place.workspace, name), { recursive: true })
  await run(place)
  const wiped = await status(place)
  assert.deepEqual([wiped.recent[0]?.filesChanged, wiped.recent[1]?.filesChanged], [8, 8])
  place.write("MEMORY.md", "before a restore\n")
  markWanted(place.setup, "session_end")
  await backupOnce({ setup: place.setup, by: "cli" }, { triggers: ["pre-restore"], flag: "pre-restore" })
  const { lastBackup, recent, dirty } = await status(place)
  assert.equal(recent[0]?.flag, "pre-restore")
  assert.deepEqual(lastBackup?.snapshot, wiped.lastBackup?.snapshot)
  assert.equal(dirty?.files, 1)
  withRecord(place.setup, (record) => {
    assert.equal(record.wants().length, 1, "it is no backup that anybody asked for")
    assert.equal(record.successAfter(2), undefined)
  })
  rmSync(join(place.setup.stateFolder, "state.sqlite"))
  assert.deepEqual((await status(place)).lastBackup?.snapshot, wiped.lastBackup?.snapshot)
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
