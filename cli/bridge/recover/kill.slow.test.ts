import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { differences } from "../../../fixtures/picture.ts"
import { seededRandom } from "../../../fixtures/random.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { disk } from "../../testing/disk.ts"
import { assertEqual, confirmed, picture, problem, restored, saved } from "../../testing/recover-place.ts"
import { backupOnce } from "../run/backup-once.ts"
import { settleRestore } from "./journal.ts"
import { isUnsettled } from "./unsettled.ts"

interface Changed {
  readonly place: AgentPlace
  readonly planId: string
  readonly before: ReturnType<typeof picture>
  readonly after: ReturnType<typeof picture>
}

/** A workspace with changed, new and missing files, and a plan to restore it. */
async function changed(t: TestContext): Promise<Changed> {
  const place = await agentPlace(t)
  for (let i = 0; i < 12; i++)
    place.write(`memory/topic-${i % 3}/note-${i}.md`, `note ${i}\n`.repeat(2000 * i + 1))
  await saved(place)
  const after = picture(place)
  for (let i = 0; i < 12; i += 2) place.write(`memory/topic-${i % 3}/note-${i}.md`, "changed")
  rmSync(join(place.workspace, "memory/topic-1"), { recursive: true })
  const before = picture(place)
  const { planId = "" } = await restored(place, { timestamp: "latest" })
  return { place, planId, before, after }
}

interface Kill {
  readonly step?: number
  readonly afterMs?: number
}

/** @returns whether the restore ended by itself */
async function runChild({ place, planId }: Changed, { step = 0, afterMs }: Kill): Promise<boolean> {
  const words = [
    "--import",
    "tsx",
    "cli/testing/restore-child.ts",
    JSON.stringify(place.setup),
    planId,
    String(step),
  ]
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] })
  const exit = once(child, "exit")
  await once(child.stdout, "data")
  child.stdin.write("\n")
  const timer = afterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), afterMs)
  const [code] = (await exit) as [number | null]
  clearTimeout(timer)
  assert.ok(code === 0 || code === null, `the restore failed with ${code}`)
  return code === 0
}

/** The next command settles; then the workspace is whole or as before, and backups and restores work. */
async function requireWholeOrBefore(
  { place, before, after }: Changed,
  what: string,
): Promise<"whole" | "before"> {
  await settleRestore(place.setup)
  assert.equal(isUnsettled(place.setup), false)
  const found = picture(place)
  const isWhole = differences(after, found).length === 0
  if (!isWhole) assertEqual(found, before, what)
  const { outcome } = await confirmed(place, { timestamp: "latest" })
  assert.equal(outcome, isWhole ? "unchanged" : "restored")
  assertEqual(picture(place), after, what)
  assert.equal((await backupOnce({ setup: place.setup, by: "cli" }, { triggers: ["manual"] })).flag, null)
  return isWhole ? "whole" : "before"
}

test("a restore that kills itself before a step is whole or as before after the next command", async (t) => {
  const found = new Set<string>()
  for (const step of [1, 2, 4, 9, 30, 60, 75, 90, 120, 180, 240, 300]) {
    const place = await changed(t)
    if (await runChild(place, { step })) found.add("ended")
    found.add(await requireWholeOrBefore(place, `killed at step ${step}`))
  }
  assert.ok(found.has("whole") && found.has("before"), [...found].join(", "))
})

test("a restore that is killed at any time is whole or as before after the next command", async (t) => {
  const seed = process.env["HOLDFAST_SEED"] ?? String(Date.now())
  t.diagnostic(`HOLDFAST_SEED=${seed}`)
  const random = seededRandom(`restore kills ${seed}`)
  for (let i = 0; i < 10; i++) {
    const place = await changed(t)
    const afterMs = (random.bytes(2)[0] ?? 0) * 6
    await runChild(place, { afterMs })
    await requireWholeOrBefore(place, `killed after ${afterMs} ms`)
  }
})

test("a disk that is full while a restore is staged leaves the workspace as it was", async (t) => {
  const small = disk(t, "8m")
  const place = await agentPlace(t)
  const workspace = small.path("workspace")
  const [root = assert.fail()] = place.setup.roots
  const setup = { ...place.setup, workspace, roots: [{ ...root, path: workspace }] }
  const moved: AgentPlace = {
    ...place,
    workspace,
    setup,
    write: (path, content) => writeFileSync(join(workspace, path), content),
  }
  mkdirSync(join(workspace, "memory"), { recursive: true })
  const random = seededRandom("a full disk")
  for (let i = 0; i < 3; i++) moved.write(`memory/${i}.md`, random.bytes(1_500_000))
  moved.write("MEMORY.md", "memory\n".repeat(20))
  await saved(moved)
  for (let i = 0; i < 3; i++) moved.write(`memory/${i}.md`, random.bytes(1_500_000))
  moved.write("memory/filling.md", random.bytes(2_000_000))
  const before = picture(moved)
  await assert.rejects(confirmed(moved, { timestamp: "latest" }), problem("restore-failed"))
  assertEqual(picture(moved), before)
  assert.equal(isUnsettled(setup), false)
  rmSync(join(workspace, "memory/filling.md"))
  small.remount("size=20m")
  assert.equal((await confirmed(moved, { timestamp: "latest" })).outcome, "restored")
})
