import assert from "node:assert/strict"
import { test } from "node:test"
import { snapshots, type Repository } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import type { SyncNow } from "../results.ts"
import type { RunContext } from "./context.ts"
import { callOf, queueIdle, requestRun, takeRunLock } from "./queue.ts"
import { withRecord } from "./record.ts"

const contextOf = ({ setup }: AgentPlace): RunContext => ({ setup, by: "cli" })

async function run(place: AgentPlace, trigger = "manual"): Promise<SyncNow> {
  const result = await requestRun(contextOf(place), { trigger, wait: true })
  TOOL_SCHEMAS.sync_now.output.parse(result)
  return result
}

async function saved(place: AgentPlace): Promise<{ trigger: string; label: string }[]> {
  const repository = await place.open()
  const all = await snapshots(repository)
  repository.close()
  return all.map(({ trigger, options }) => ({ trigger, label: options["label"] ?? "" }))
}

/** The repository opens only when `release` is called: a run that has begun and does not end. */
function held(place: AgentPlace): { place: AgentPlace; opened: Promise<void>; release: () => void } {
  let release = (): void => {}
  let begin = (): void => {}
  const opened = new Promise<void>((resolve) => (begin = resolve))
  const gate = new Promise<void>((resolve) => (release = resolve))
  const openRepository = async (): Promise<Repository> => {
    begin()
    await gate
    return await place.open()
  }
  return { place: { ...place, setup: { ...place.setup, openRepository } }, opened, release }
}

test("requestRun() backs up, and says unchanged when nothing has changed", async (t) => {
  const place = await agentPlace(t)
  const first = await run(place)
  assert.equal(first.outcome, "created")
  assert.equal(first.files.new, 8)
  const second = await run(place)
  assert.equal(second.outcome, "unchanged")
  assert.equal(second.snapshot, first.snapshot)
  place.write("memory/2026-11-01.md", "shorter\n")
  const third = await run(place)
  assert.deepEqual([third.outcome, third.parent], ["created", first.snapshot])
  assert.deepEqual(third.files, { new: 0, changed: 1, removed: 0, unchanged: 7 })
})

test("requestRun() makes one or two snapshots of 200 calls at once, and one call has made each", async (t) => {
  const place = await agentPlace(t)
  const results = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => await run(place, i % 2 === 0 ? "manual" : "wrap_up")),
  )
  const { length } = await saved(place)
  assert.ok(length === 1 || length === 2, `${length} snapshots`)
  assert.equal(results.filter(({ outcome }) => outcome === "created").length, length)
  assert.ok(results.every(({ snapshot }) => snapshot !== null))
})

test("requestRun() joins a run that has not begun; calls after its scan share one follow-up", async (t) => {
  const place = await agentPlace(t)
  const slow = held(place)
  const first = run(slow.place, "interval")
  await slow.opened
  place.write("memory/late.md", "written after the scan began\n")
  const later = [run(place), run(place, "wrap_up"), run(place)]
  slow.release()
  assert.equal((await first).outcome, "created")
  const outcomes = (await Promise.all(later)).map(({ outcome }) => outcome)
  assert.equal(outcomes.filter((each) => each === "joined").length, 2)
  const runs = withRecord(place.setup, (record) => record.newest())
  assert.equal(runs?.id, 2, "two runs for four calls")
  assert.deepEqual(runs.triggers.toSorted(), ["manual", "wrap_up"])
})

test("requestRun() joins a run of another process that began after the call", async (t) => {
  const place = await agentPlace(t)
  const before = await run(place)
  const lock = await takeRunLock(place.setup)
  const call = run(place)
  await new Promise((resolve) => setTimeout(resolve, 100))
  // what the other process does while it has the lock
  withRecord(place.setup, (record) => {
    const id = record.begin({ startedMs: Date.now(), by: "daemon", triggers: ["interval"] })
    const found = record.successAfter(0)?.found
    assert.ok(found)
    record.end(id, "created", { endedMs: Date.now(), found })
  })
  lock.release()
  const joined = await call
  assert.deepEqual([joined.outcome, joined.snapshot], ["joined", before.snapshot])
  assert.equal(
    withRecord(place.setup, (record) => record.newestId()),
    2,
  )
})

test("requestRun() does not join a run that began before the call, or one that failed", async (t) => {
  const place = await agentPlace(t)
  const lock = await takeRunLock(place.setup)
  const id = withRecord(place.setup, (record) =>
    record.begin({ startedMs: Date.now(), by: "daemon", triggers: ["interval"] }),
  )
  const call = run(place)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const found = { snapshot: null, parent: null, flag: null, durationMs: 1, warnings: [] } as const
  const nothing = { new: 0, changed: 0, removed: 0, unchanged: 0 }
  const bytes = { scanned: 0, new: 0, uploaded: 0 }
  withRecord(place.setup, (record) => {
    record.end(id, "unchanged", { endedMs: Date.now(), found: { ...found, files: nothing, bytes } })
    const failed = record.begin({ startedMs: Date.now(), by: "daemon", triggers: ["interval"] })
    record.end(failed, "failed", { endedMs: Date.now(), found: { ...found, files: nothing, bytes } })
  })
  lock.release()
  assert.equal((await call).outcome, "created")
})

test("requestRun() with wait: false is queued at once, leaves a mark, and is carried out", async (t) => {
  const place = await agentPlace(t)
  const result = await requestRun(contextOf(place), { trigger: "wrap_up", wait: false })
  TOOL_SCHEMAS.sync_now.output.parse(result)
  assert.equal(result.outcome, "queued")
  const wants = (): string[] =>
    withRecord(place.setup, (record) => record.wants().map(({ trigger }) => trigger))
  assert.deepEqual(wants(), ["wrap_up"])
  await queueIdle(place.setup)
  assert.deepEqual(await saved(place), [{ trigger: "wrap_up", label: "" }])
  assert.deepEqual(wants(), [])
})

test("requestRun(): a signal ends the waiting of its call, not the run of the others", async (t) => {
  const place = await agentPlace(t)
  const slow = held(place)
  const abort = new AbortController()
  const first = requestRun(contextOf(slow.place), { trigger: "manual", wait: true, signal: abort.signal })
  const second = run(slow.place)
  await slow.opened
  abort.abort(new Error("the turn has ended"))
  await assert.rejects(first, /the turn has ended/)
  slow.release()
  assert.notEqual((await second).snapshot, null)
})

test("requestRun() tells every call of a failure, records it, and the next run works", async (t) => {
  const place = await agentPlace(t)
  const openRepository = async (): Promise<Repository> => {
    throw Object.assign(new Error("the store does not answer"), {
      name: "EngineError",
      kind: "unavailable",
      code: "down",
    })
  }
  const broken = { ...place, setup: { ...place.setup, openRepository } }
  const calls = await Promise.allSettled([run(broken), run(broken)])
  assert.ok(calls.every(({ status }) => status === "rejected"))
  const newest = withRecord(place.setup, (record) => record.newest())
  assert.deepEqual([newest?.outcome, newest?.found?.problem?.code], ["failed", "down"])
  assert.equal((await run(place)).outcome, "created")
})

test("requestRun() shares its queue with a second copy of the module", async (t) => {
  const place = await agentPlace(t)
  const copy = (await import(`./queue.ts?${"copy"}`)) as typeof import("./queue.ts")
  assert.notEqual(copy.requestRun, requestRun)
  const call = { trigger: "manual", wait: true }
  const [one, two] = await Promise.all([
    requestRun(contextOf(place), call),
    copy.requestRun(contextOf(place), call),
  ])
  assert.deepEqual([one.outcome, two.outcome], ["created", "joined"])
  assert.equal(
    withRecord(place.setup, (record) => record.newestId()),
    1,
  )
})

test("two agents of one process that share a repository take turns, and their series stay apart", async (t) => {
  const place = await agentPlace(t)
  const stateFolder = `${place.setup.stateFolder}-b`
  const { mkdirSync } = await import("node:fs")
  mkdirSync(stateFolder, { mode: 0o700 })
  const other = {
    ...place,
    setup: { ...place.setup, stateFolder, series: "openclaw-memory/b/fedcba9876543210" },
  }
  const results = await Promise.all([run(place), run(other), run(place), run(other)])
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ["created", "created", "joined", "joined"],
  )
})

test("callOf() takes one word as the trigger, and a sentence as a note without control characters", () => {
  assert.equal(callOf({}, {}).trigger, "manual")
  assert.deepEqual(callOf({ reason: "wrap_up" }, {}).trigger, "wrap_up")
  const noted = callOf({ reason: "before\u001b[31m I\ndelete\u202e things" }, {})
  assert.deepEqual([noted.trigger, noted.label], ["manual", "before [31m I delete things"])
  const named = callOf({ reason: "wrap_up", label: "x".repeat(300) }, { trigger: "session_end" })
  assert.deepEqual([named.trigger, named.label?.length], ["session_end", 200])
})
