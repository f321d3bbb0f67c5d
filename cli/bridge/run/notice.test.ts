import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { Warning } from "../results.ts"
import { noticeIfDue } from "./notice.ts"
import { pause } from "./pause.ts"
import { type RunFound, withRecord } from "./record.ts"

const FOUND: RunFound = {
  snapshot: null,
  parent: null,
  flag: null,
  files: { new: 0, changed: 0, removed: 0, unchanged: 0 },
  bytes: { scanned: 0, new: 0, uploaded: 0 },
  durationMs: 1,
  warnings: [],
}
const HOUR_MS = 3_600_000

function ran({ setup }: AgentPlace, outcome: "unchanged" | "failed", atMs: number): void {
  withRecord(setup, (record) => {
    const id = record.begin({ startedMs: atMs, by: "daemon", triggers: ["interval"] })
    const problem = { code: "unreachable", message: "the store does not answer" }
    record.end(id, outcome, { endedMs: atMs, found: outcome === "failed" ? { ...FOUND, problem } : FOUND })
  })
}

test("noticeIfDue() tells a person of failing backups after three failures, once a day", async (t) => {
  const place = await agentPlace(t)
  const told: Warning[] = []
  const notify = (notice: Warning): void => void told.push(notice)
  const now = Date.now()
  ran(place, "unchanged", now)
  ran(place, "failed", now)
  ran(place, "failed", now)
  assert.equal(await noticeIfDue(place.setup, notify, now), false)
  ran(place, "failed", now)
  assert.equal(await noticeIfDue(place.setup, notify, now), true)
  assert.match(told[0]?.message ?? "", /backups fail: the store does not answer/)
  ran(place, "failed", now)
  assert.equal(await noticeIfDue(place.setup, notify, now + 23 * HOUR_MS), false)
  assert.equal(await noticeIfDue(place.setup, notify, now + 24 * HOUR_MS), true)
  assert.equal(told.length, 2)
})

test("noticeIfDue() tells of stale backups, and not while the timer is paused", async (t) => {
  const place = await agentPlace(t)
  const told: Warning[] = []
  const notify = (notice: Warning): void => void told.push(notice)
  const now = Date.now()
  ran(place, "unchanged", now)
  assert.equal(await noticeIfDue(place.setup, notify, now + HOUR_MS / 2), false)
  pause(place.setup, undefined)
  assert.equal(await noticeIfDue(place.setup, notify, now + HOUR_MS), false)
  pause(place.setup, -1)
  assert.equal(await noticeIfDue(place.setup, notify, now + HOUR_MS), true)
  assert.equal(told[0]?.code, "stale")
})

test("noticeIfDue() tells of a suspected wipe", async (t) => {
  const place = await agentPlace(t)
  const now = Date.now()
  withRecord(place.setup, (record) => {
    const id = record.begin({ startedMs: now, by: "plugin", triggers: ["interval"] })
    const warnings = [{ code: "suspected-wipe", message: "MEMORY.md is missing" }]
    record.end(id, "created", { endedMs: now, found: { ...FOUND, warnings } })
  })
  const told: Warning[] = []
  assert.equal(await noticeIfDue(place.setup, (notice) => void told.push(notice), now), true)
  assert.match(told[0]?.message ?? "", /MEMORY\.md is missing/)
})

test("noticeIfDue() runs the approved command with the notice, and without the secrets of the environment", async (t) => {
  const place = await agentPlace(t)
  const out = join(place.folder, "notice")
  const notifyCommand = `cat > ${out}; env >> ${out}`
  const setup = { ...place.setup, settings: { ...place.setup.settings, notifyCommand } }
  process.env["AWS_SECRET_ACCESS_KEY"] = "canary-4711"
  t.after(() => delete process.env["AWS_SECRET_ACCESS_KEY"])
  assert.equal(await noticeIfDue(setup, undefined, Date.now()), true)
  const text = readFileSync(out, "utf8")
  assert.match(text, /^holdfast: .*there is no backup yet/)
  assert.match(text, /HOLDFAST_NOTICE=/)
  assert.doesNotMatch(text, /canary/)
})

test("noticeIfDue() tries again after an hour if nobody could be told", async (t) => {
  const place = await agentPlace(t)
  let tries = 0
  const notify = async (): Promise<void> => {
    tries++
    throw new Error("the host is gone")
  }
  const now = Date.now()
  assert.equal(await noticeIfDue(place.setup, notify, now), false)
  assert.equal(await noticeIfDue(place.setup, notify, now + HOUR_MS / 2), false)
  assert.equal(await noticeIfDue(place.setup, notify, now + HOUR_MS), false)
  assert.equal(tries, 2)
})
