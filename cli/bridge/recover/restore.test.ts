import assert from "node:assert/strict"
import { rmSync, readdirSync, mkdirSync, chmodSync, utimesSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pictureOf, differences, showDifferences, type Picture } from "../../../fixtures/picture.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { RestoreInput, SyncRestore } from "../results.ts"
import { backupOnce } from "../run/backup-once.ts"
import type { RunContext } from "../run/context.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import { restoreAgent, type RestoreCall } from "./restore.ts"

const contextOf = ({ setup }: AgentPlace): RunContext => ({ setup, by: "cli" })

async function saved(place: AgentPlace): Promise<string> {
  const { snapshot } = await backupOnce(contextOf(place), { triggers: ["manual"] })
  return snapshot ?? assert.fail("no snapshot")
}

async function restored(
  place: AgentPlace,
  input: RestoreInput,
  call: RestoreCall = { mayWrite: true },
): Promise<SyncRestore> {
  const result = await restoreAgent(contextOf(place), input, call)
  return TOOL_SCHEMAS.sync_restore.output.parse(result) as unknown as SyncRestore
}

/** Without the log, which every run writes. */
function picture({ workspace }: AgentPlace): Picture {
  return new Map([...pictureOf(workspace)].filter(([path]) => path !== "memory/sync-log.jsonl"))
}

function assertEqual(found: Picture, expected: Picture): void {
  const differing = differences(expected, found)
  if (differing.length > 0) assert.fail(showDifferences(differing))
}

test("an empty workspace and latest give a tree that is equal to the last bit", async (t) => {
  const place = await agentPlace(t)
  place.write("memory/deep/er/note.md", "deep")
  place.write("memory/run.sh", "#!/bin/sh\n")
  chmodSync(join(place.workspace, "memory/run.sh"), 0o750)
  mkdirSync(join(place.workspace, "memory/empty"))
  utimesSync(join(place.workspace, "memory/deep"), 1_700_000_000, 1_700_000_000)
  utimesSync(place.workspace, 1_700_000_001, 1_700_000_001)
  const snapshot = await saved(place)
  const before = picture(place)
  for (const name of readdirSync(place.workspace)) rmSync(join(place.workspace, name), { recursive: true })
  const result = await restored(place, { timestamp: "latest" })
  assert.equal(result.outcome, "restored")
  assert.equal(result.snapshot, snapshot)
  assert.equal(result.undo, null)
  assert.equal(result.create.count, 10)
  assertEqual(picture(place), before)
})

test("a full workspace gets a plan, and nothing is written", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  place.write("MEMORY.md", "changed")
  place.write("memory/new.md", "new")
  rmSync(join(place.workspace, "memory/2026-11-01.md"))
  const before = picture(place)
  const plan = await restored(place, { timestamp: "latest" })
  assert.equal(plan.outcome, "needs_confirmation")
  assert.deepEqual(plan.overwrite, { count: 1, paths: ["MEMORY.md"] })
  assert.deepEqual(plan.create, { count: 1, paths: ["memory/2026-11-01.md"] })
  assert.deepEqual(plan.extraLocal, { count: 1, paths: ["memory/new.md"] })
  assertEqual(picture(place), before)
})

test("a confirmed plan is carried out, and its undo gives back every byte and time", async (t) => {
  const place = await agentPlace(t)
  const good = await saved(place)
  const old = picture(place)
  place.write("MEMORY.md", "changed")
  rmSync(join(place.workspace, "memory/2026-11-01.md"))
  const before = picture(place)
  const plan = await restored(place, { timestamp: "latest" })
  const result = await restored(place, { timestamp: "latest", confirm: true, planId: plan.planId })
  assert.equal(result.outcome, "restored")
  assert.ok(result.undo !== null)
  assertEqual(picture(place), old)
  const undoPlan = await restored(place, { timestamp: "undo" })
  assert.equal(undoPlan.outcome, "needs_confirmation")
  assert.deepEqual(undoPlan.remove, { count: 1, paths: ["memory/2026-11-01.md"] })
  const undone = await restored(place, { timestamp: "undo", confirm: true, planId: undoPlan.planId })
  assert.equal(undone.outcome, "restored")
  assertEqual(picture(place), before)
  const latest = await restored(place, { timestamp: "latest", mode: "preview" })
  assert.equal(latest.snapshot, good)
})
