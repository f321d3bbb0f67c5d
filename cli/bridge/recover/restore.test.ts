import assert from "node:assert/strict"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace } from "../../testing/agent-place.ts"
import { assertEqual, confirmed, picture, problem, restored, saved } from "../../testing/recover-place.ts"
import { takeRunLock } from "../run/queue.ts"

function empty(workspace: string): void {
  for (const name of readdirSync(workspace)) rmSync(join(workspace, name), { recursive: true })
}

test("an empty workspace and latest give a tree that is equal to the last bit", async (t) => {
  const place = await agentPlace(t)
  place.write("memory/deep/er/note.md", "deep")
  place.write("memory/run.sh", "#!/bin/sh\n")
  chmodSync(join(place.workspace, "memory/run.sh"), 0o750)
  mkdirSync(join(place.workspace, "memory/empty"))
  symlinkSync("../MEMORY.md", join(place.workspace, "memory/link.md"))
  place.write("memory/sync-log-notes.jsonl", "a name that only looks like ours")
  utimesSync(join(place.workspace, "memory/deep"), 1_700_000_000, 1_700_000_000)
  utimesSync(place.workspace, 1_700_000_001, 1_700_000_001)
  const snapshot = await saved(place)
  const before = picture(place)
  empty(place.workspace)
  const result = await restored(place, { timestamp: "latest" })
  assert.equal(result.outcome, "restored")
  assert.equal(result.snapshot, snapshot)
  assert.equal(result.undo, null)
  assertEqual(picture(place), before)
  await assert.rejects(restored(place, { timestamp: "undo" }), problem("nothing-to-undo"))
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
  const preview = await restored(place, { timestamp: "latest", mode: "preview" })
  assert.equal(preview.outcome, "preview")
  assertEqual(picture(place), before)
})

test("a confirmed plan is carried out, and its undo gives back every byte and time", async (t) => {
  const place = await agentPlace(t)
  const good = await saved(place)
  const old = picture(place)
  place.write("MEMORY.md", "changed")
  rmSync(join(place.workspace, "memory/2026-11-01.md"))
  const before = picture(place)
  const result = await confirmed(place, { timestamp: "latest" })
  assert.equal(result.outcome, "restored")
  assert.ok(result.undo !== null)
  assertEqual(picture(place), old)
  const undoPlan = await restored(place, { timestamp: "undo" })
  assert.deepEqual(undoPlan.remove, { count: 1, paths: ["memory/2026-11-01.md"] })
  const undone = await confirmed(place, { timestamp: "undo" })
  assert.equal(undone.outcome, "restored")
  assertEqual(picture(place), before)
  const latest = await restored(place, { timestamp: "latest", mode: "preview" })
  assert.equal(latest.snapshot, good)
  const exact = await restored(place, { timestamp: result.undo.timestamp, mode: "preview" })
  assert.equal(exact.snapshot, result.undo.snapshot)
  assert.equal(exact.flag, "pre-restore")
})

test("an undo leaves a file that was changed after the restore had created it", async (t) => {
  const place = await agentPlace(t)
  place.write("memory/folder/a.md", "a")
  await saved(place)
  rmSync(join(place.workspace, "memory/folder"), { recursive: true })
  place.write("MEMORY.md", "changed")
  await confirmed(place, { timestamp: "latest" })
  place.write("memory/folder/a.md", "changed by the agent")
  await confirmed(place, { timestamp: "undo" })
  assert.equal(readFileSync(join(place.workspace, "memory/folder/a.md"), "utf8"), "changed by the agent")
})

test("a plan is void when a concerned file changes, and nothing is written", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  place.write("MEMORY.md", "changed")
  const { planId } = await restored(place, { timestamp: "latest" })
  place.write("MEMORY.md", "changed again")
  const again = await restored(place, { timestamp: "latest", confirm: true, planId })
  assert.equal(again.outcome, "needs_confirmation")
  assert.deepEqual(
    again.warnings.map(({ code }) => code),
    ["plan-changed"],
  )
  assert.equal(readFileSync(join(place.workspace, "MEMORY.md"), "utf8"), "changed again")
  const bare = await restored(place, { timestamp: "latest", confirm: true })
  assert.equal(bare.outcome, "needs_confirmation")
  const other = await restored(place, {
    timestamp: "latest",
    paths: ["MEMORY.md"],
    confirm: true,
    planId: again.planId,
  })
  assert.equal(other.outcome, "needs_confirmation")
})

test("a plan is valid for ten minutes", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  place.write("MEMORY.md", "changed")
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() })
  const { planId } = await restored(place, { timestamp: "latest" })
  t.mock.timers.tick(10 * 60_000 + 1)
  const late = await restored(place, { timestamp: "latest", confirm: true, planId })
  assert.deepEqual(
    late.warnings.map(({ code }) => code),
    ["plan-expired"],
  )
  t.mock.timers.tick(9 * 60_000)
  const { outcome } = await restored(place, { timestamp: "latest", confirm: true, planId })
  assert.equal(outcome, "restored")
})

test("without proof of the owner nothing is written into the workspace, not even into an empty one", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  empty(place.workspace)
  const call = { mayWrite: false }
  const { planId, command, outcome } = await restored(place, { timestamp: "latest" }, { call })
  assert.equal(outcome, "needs_confirmation")
  assert.match(command ?? "", /^holdfast agent restore \S+ --workspace /)
  const again = await restored(place, { timestamp: "latest", confirm: true, planId }, { call })
  assert.equal(again.outcome, "needs_confirmation")
  assert.deepEqual(readdirSync(place.workspace), [])
})

test("where a person can be asked, the answer counts and not the model's confirm", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  place.write("MEMORY.md", "changed")
  const asked: string[] = []
  const call = (answer: boolean) => ({
    mayWrite: true,
    ask: async ({ planId }: { planId?: string | undefined }) => {
      asked.push(planId ?? "")
      return answer
    },
  })
  const { planId } = await restored(place, { timestamp: "latest" }, { call: call(false) })
  const declined = await restored(
    place,
    { timestamp: "latest", confirm: true, planId },
    { call: call(false) },
  )
  assert.equal(declined.outcome, "needs_confirmation")
  assert.equal(readFileSync(join(place.workspace, "MEMORY.md"), "utf8"), "changed")
  const { outcome } = await restored(place, { timestamp: "latest" }, { call: call(true) })
  assert.equal(outcome, "restored")
  assert.deepEqual(asked, [planId, planId, planId])
})

test("mode staged restores into a private folder outside the workspace", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  place.write("MEMORY.md", "changed")
  const before = picture(place)
  const result = await restored(
    place,
    { timestamp: "latest", mode: "staged", paths: ["memory"] },
    { call: { mayWrite: false } },
  )
  assert.equal(result.outcome, "staged")
  const folder = result.stagedAt ?? assert.fail()
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.ok(folder.startsWith(`${place.setup.stateFolder}/staged/`))
  assert.ok(existsSync(join(folder, "workspace/memory/2026-11-01.md")))
  assert.ok(!existsSync(join(folder, "workspace/MEMORY.md")))
  assert.ok(result.steps.length > 0)
  assertEqual(picture(place), before)
})

test("a tool that stages again and again keeps the newest three", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  let newest = ""
  for (let i = 0; i < 5; i++) {
    const { stagedAt } = await restored(place, { timestamp: "latest", mode: "staged", paths: ["memory"] })
    newest = stagedAt ?? assert.fail()
  }
  assert.equal(readdirSync(join(place.setup.stateFolder, "staged")).length, 3)
  assert.ok(existsSync(join(newest, "workspace/memory/2026-11-01.md")))
})

test("paths outside the workspace are refused, and unknown ones get near names", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  const hostile = [
    "../x",
    "/etc/passwd",
    "memory/../../x",
    "memory//x",
    "",
    ".",
    "a\0b",
    "C:\\x",
    "..",
    "memory/..",
  ]
  for (const path of hostile)
    await assert.rejects(restored(place, { timestamp: "latest", paths: [path] }), problem("bad-path"), path)
  for (const path of [
    "session-sync-config.json",
    "memory/sync-log.jsonl",
    "memory/sync-log.1.jsonl",
    "memory/sync-dashboard.html",
    "memory/sync-log.jsonl/below",
    "Session-Sync-Config.json",
  ])
    await assert.rejects(restored(place, { timestamp: "latest", paths: [path] }), problem("bad-path"), path)
  await assert.rejects(restored(place, { timestamp: "latest", paths: ["memory.md"] }), (error) => {
    assert.ok(problem("path-not-found")(error))
    assert.match(String((error as { hint?: string }).hint), /MEMORY\.md/)
    return true
  })
})

test("a link in the place of a folder is neither followed nor replaced", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  const outside = join(place.folder, "outside")
  mkdirSync(outside)
  rmSync(join(place.workspace, "memory"), { recursive: true })
  symlinkSync(outside, join(place.workspace, "memory"))
  await assert.rejects(restored(place, { timestamp: "latest" }), problem("link-in-the-way"))
  await assert.rejects(
    restored(place, { timestamp: "latest", paths: ["memory/2026-11-01.md"] }),
    problem("link-in-the-way"),
  )
  assert.deepEqual(readdirSync(outside), [])
})

test("a link in the place of a file is replaced, and its target is not touched", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  const old = picture(place)
  const outside = join(place.folder, "outside.md")
  writeFileSync(outside, "outside")
  rmSync(join(place.workspace, "MEMORY.md"))
  symlinkSync(outside, join(place.workspace, "MEMORY.md"))
  assert.equal((await confirmed(place, { timestamp: "latest" })).outcome, "restored")
  assert.equal(readFileSync(outside, "utf8"), "outside")
  assertEqual(picture(place), old)
})

test("read-only files and folders are restored, and keep their modes", async (t) => {
  const place = await agentPlace(t)
  const closed = join(place.workspace, "memory/closed")
  place.write("memory/closed/a.md", "a")
  chmodSync(join(closed, "a.md"), 0o400)
  chmodSync(closed, 0o555)
  try {
    await saved(place)
    const old = picture(place)
    chmodSync(closed, 0o755)
    rmSync(join(closed, "a.md"))
    place.write("memory/closed/a.md", "changed")
    chmodSync(closed, 0o555)
    assert.equal((await confirmed(place, { timestamp: "latest" })).outcome, "restored")
    assertEqual(picture(place), old)
  } finally {
    chmodSync(closed, 0o755) // or an ordinary user can't remove it
  }
})

test("a folder and a file change places, and the undo changes them back", async (t) => {
  const place = await agentPlace(t)
  place.write("memory/a", "a file")
  place.write("memory/b/c.md", "in a folder")
  await saved(place)
  const old = picture(place)
  rmSync(join(place.workspace, "memory/a"))
  place.write("memory/a/d.md", "in a folder")
  await assert.rejects(restored(place, { timestamp: "latest" }), problem("folder-in-the-way"))
  rmSync(join(place.workspace, "memory/a/d.md"))
  rmSync(join(place.workspace, "memory/b"), { recursive: true })
  place.write("memory/b", "a file")
  const before = picture(place)
  assert.equal((await confirmed(place, { timestamp: "latest" })).outcome, "restored")
  assertEqual(picture(place), old)
  assert.equal((await confirmed(place, { timestamp: "undo" })).outcome, "restored")
  assertEqual(picture(place), before)
})

test("two restores at once, and one while a backup runs, wait for each other", async (t) => {
  const place = await agentPlace(t)
  await saved(place)
  const old = picture(place)
  place.write("MEMORY.md", "changed")
  const { planId } = await restored(place, { timestamp: "latest" })
  const lock = await takeRunLock(place.setup)
  const both = Promise.all([1, 2].map(() => restored(place, { timestamp: "latest", confirm: true, planId })))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(readFileSync(join(place.workspace, "MEMORY.md"), "utf8"), "changed")
  lock.release()
  const outcomes = (await both).map(({ outcome }) => outcome).toSorted()
  assert.deepEqual(outcomes, ["needs_confirmation", "restored"])
  assertEqual(picture(place), old)
})
