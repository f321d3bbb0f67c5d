import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import type { Digest } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { assertEqual, confirmed, picture, problem, restored, saved } from "../../testing/recover-place.ts"
import { backupOnce } from "../run/backup-once.ts"
import type { SyncRestore } from "../results.ts"

const preview = (place: AgentPlace, timestamp: string): Promise<SyncRestore> =>
  restored(place, { timestamp, mode: "preview" })

async function wiped(place: AgentPlace): Promise<string> {
  rmSync(join(place.workspace, "memory"), { recursive: true })
  rmSync(join(place.workspace, "MEMORY.md"))
  const { flag, snapshot } = await backupOnce({ setup: place.setup, by: "cli" }, { triggers: ["interval"] })
  assert.equal(flag, "suspected-wipe")
  return snapshot ?? assert.fail("no snapshot")
}

test("latest is the last good snapshot of a wiped workspace, says so, and brings the files back", async (t) => {
  const place = await agentPlace(t)
  const good = await saved(place)
  const before = picture(place)
  const flagged = await wiped(place)
  const result = await restored(place, { timestamp: "latest" })
  assert.equal(result.outcome, "restored")
  assert.equal(result.snapshot, good)
  assert.ok(result.warnings.some(({ code }) => code === "skipped-wipe"))
  assertEqual(picture(place), before)
  const named = await preview(place, flagged)
  assert.equal(named.flag, "suspected-wipe")
  assert.equal((await preview(place, named.timestamp)).snapshot, flagged)
  const later = new Date(Date.parse(named.timestamp) + 60_000).toISOString()
  assert.equal((await preview(place, later)).snapshot, good)
})

test("an accepted snapshot is the latest", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  const flagged = await wiped(place)
  const { snapshot } = await backupOnce(
    { setup: place.setup, by: "cli" },
    { triggers: ["accept"], accepts: flagged as Digest },
  )
  const latest = await preview(place, "latest")
  assert.equal(latest.snapshot, snapshot)
  assert.deepEqual(latest.warnings, [])
})

test("a time means the newest snapshot at or before it, in any zone", async (t) => {
  const place = await agentPlace(t)
  const first = await saved(place)
  const { timestamp } = await preview(place, first)
  await new Promise((resolve) => setTimeout(resolve, 20))
  place.write("MEMORY.md", "second\n".repeat(40))
  const second = await saved(place)
  const newest = await preview(place, second)
  const at = Date.parse(newest.timestamp)
  const text = (ms: number): string => new Date(ms).toISOString()
  assert.equal((await preview(place, timestamp)).snapshot, first)
  assert.equal((await preview(place, newest.timestamp)).snapshot, second)
  assert.equal((await preview(place, text(at - 1))).snapshot, first)
  assert.equal((await preview(place, text(at + 86_400_000))).snapshot, second)
  const inTokyo = text(at + 9 * 3_600_000).replace("Z", "+09:00")
  assert.equal((await preview(place, inTokyo)).snapshot, second)
  assert.equal((await preview(place, inTokyo.replace("+09:00", "+0900").replace("T", " "))).snapshot, second)
  assert.equal((await preview(place, second.slice(0, 8))).snapshot, second)
})

test("a time without a zone, a wrong time, an early time and a wrong id each say what to do", async (t) => {
  const place = await agentPlace(t)
  await assert.rejects(preview(place, "latest"), problem("no-snapshot"))
  const first = await saved(place)
  const { timestamp } = await preview(place, first)
  const hint = (pattern: RegExp) => (error: unknown) => {
    assert.match(String((error as { hint?: string }).hint), pattern)
    return true
  }
  await assert.rejects(preview(place, "2026-12-01T13:00:00"), problem("time-without-zone"))
  await assert.rejects(preview(place, "2026-12-01T13:00:00"), hint(/2026-12-01T13:00:00Z/))
  await assert.rejects(preview(place, "2026-12-01"), problem("time-without-zone"))
  for (const wrong of [
    "yesterday",
    "2026-13-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "12:00",
    "",
    "2026-12-01T25:00:00Z",
  ])
    await assert.rejects(preview(place, wrong), problem("bad-timestamp"), wrong)
  await assert.rejects(preview(place, "1999-01-01T00:00:00Z"), (error: Error) => {
    assert.ok(problem("no-snapshot")(error))
    assert.ok(
      error.message.includes(`the oldest is of ${timestamp}, the newest of ${timestamp}`),
      error.message,
    )
    return true
  })
  await assert.rejects(preview(place, first.slice(0, 7)), problem("bad-timestamp"))
  await assert.rejects(preview(place, "0".repeat(64)), problem("no-snapshot"))
  await assert.rejects(preview(place, "undo"), problem("nothing-to-undo"))
})

test("snapshots of another series in the repository don't count", async (t) => {
  const place = await agentPlace(t)
  const first = await saved(place)
  const other = { ...place, setup: { ...place.setup, series: "openclaw-memory/other/0000000000000001" } }
  place.write("MEMORY.md", "of the other")
  const foreign = await saved(other)
  assert.equal((await preview(place, "latest")).snapshot, first)
  await assert.rejects(preview(place, foreign), problem("no-snapshot"))
})

test("the snapshots before restores are never latest and never meant by a time", async (t) => {
  const place = await agentPlace(t)
  const first = await saved(place)
  place.write("MEMORY.md", "changed")
  const { undo } = await confirmed(place, { timestamp: "latest" })
  assert.ok(undo !== null)
  assert.equal((await preview(place, "latest")).snapshot, first)
  const later = new Date(Date.parse(undo.timestamp) + 60_000).toISOString()
  assert.equal((await preview(place, later)).snapshot, first)
})
