import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import Sqlite from "better-sqlite3"
import { entries, snapshots, type Entry } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { backupOnce } from "./backup-once.ts"
import { requestRun, takeRunLock } from "./queue.ts"
import { statusOf } from "./status.ts"

const codes = ({ warnings }: { warnings: readonly { code: string }[] }): string[] =>
  warnings.map(({ code }) => code)

async function newest(place: AgentPlace): Promise<Map<string, Entry>> {
  const repository = await place.open()
  const snapshot = (await snapshots(repository)).at(-1)
  assert.ok(snapshot)
  const found = new Map<string, Entry>()
  for await (const entry of entries(repository, snapshot)) found.set(entry.path, entry)
  repository.close()
  return found
}

test("backupOnce() copies a live database, and says when it had to read one as it is", async (t) => {
  const place = await agentPlace(t)
  const live = new Sqlite(join(place.workspace, "memory/live.sqlite"))
  t.after(() => live.close())
  live.pragma("journal_mode = WAL")
  live.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('first')")
  const run = async () =>
    await requestRun({ setup: place.setup, by: "cli" }, { trigger: "manual", wait: true })
  assert.deepEqual(codes(await run()), [])
  assert.equal((await newest(place)).get("workspace/memory/live.sqlite")?.capture, "sqlite")
  assert.equal((await run()).outcome, "unchanged")
  writeFileSync(join(place.workspace, "memory/broken.sqlite"), `SQLite format 3\0${"x".repeat(9000)}`)
  assert.deepEqual(codes(await run()), ["raw-capture"])
  assert.equal((await statusOf(place.setup, { environment: {}, verbose: false })).state, "degraded")
})

test("backupOnce() with a flag makes a snapshot of an equal workspace, which latest and the alarm skip", async (t) => {
  const place = await agentPlace(t)
  const context = { setup: place.setup, by: "cli" as const }
  const first = await requestRun(context, { trigger: "manual", wait: true })
  const lock = await takeRunLock(place.setup)
  const undo = await backupOnce(context, { triggers: ["pre-restore"], flag: "pre-restore" })
  lock.release()
  assert.deepEqual([undo.outcome, undo.flag, undo.parent], ["created", "pre-restore", first.snapshot])
  const again = await requestRun(context, { trigger: "manual", wait: true })
  assert.deepEqual([again.outcome, again.snapshot, again.flag], ["unchanged", first.snapshot, null])
})

test("backupOnce() gives latest what only the undo of a restore has", async (t) => {
  const place = await agentPlace(t)
  const context = { setup: place.setup, by: "cli" as const }
  await requestRun(context, { trigger: "manual", wait: true })
  place.write("memory/new.md", "written before a restore that was given up\n")
  const lock = await takeRunLock(place.setup)
  const undo = await backupOnce(context, { triggers: ["pre-restore"], flag: "pre-restore" })
  lock.release()
  const next = await requestRun(context, { trigger: "manual", wait: true })
  assert.deepEqual([next.outcome, next.parent, next.flag], ["created", undo.snapshot, null])
})

test("backupOnce() waits for a backup of a person's own that uses the series", async (t) => {
  const place = await agentPlace(t)
  const context = { setup: place.setup, by: "cli" as const }
  await requestRun(context, { trigger: "manual", wait: true })
  const repository = await place.open()
  const { lockSeries } = await import("../../../engine/home/series-lock.ts")
  const held = lockSeries(repository.home, place.setup.series)
  place.write("memory/later.md", "later\n")
  const call = requestRun(context, { trigger: "manual", wait: true })
  await new Promise((resolve) => setTimeout(resolve, 300))
  held.release()
  repository.close()
  assert.equal((await call).outcome, "created")
})
