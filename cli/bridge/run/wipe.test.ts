import assert from "node:assert/strict"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { snapshots } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { SyncNow } from "../results.ts"
import { acceptSnapshot } from "./accept.ts"
import type { RunContext } from "./context.ts"
import { requestRun } from "./queue.ts"
import { statusOf } from "./status.ts"
import { suspectWipe, type WipeQuestion } from "./wipe.ts"

const KIB = 1024

function sizes(files: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(files))
}

function days(count: number, bytes: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`memory/day-${i}.md`, bytes]))
}

function question(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  more: Partial<WipeQuestion> = {},
): WipeQuestion {
  return {
    memory: { files: ["memory/**/*.md"], core: ["MEMORY.md"] },
    before: sizes(before),
    after: sizes(after),
    isTemplate: () => false,
    leftOut: new Set(),
    ...more,
  }
}

const suspects = (...parts: Parameters<typeof question>): boolean =>
  suspectWipe(question(...parts)) !== undefined

test("suspectWipe() needs half of the files, and at least three", () => {
  assert.ok(suspects(days(6, 10), days(3, 10)))
  assert.ok(!suspects(days(6, 10), days(4, 10)))
  assert.ok(!suspects(days(4, 10), days(2, 10)), "two files are half, but only two")
  assert.ok(!suspects(days(2, 10), {}))
  assert.ok(suspects(days(3, 10), {}))
})

test("suspectWipe() needs half of the bytes, and at least 16 KiB", () => {
  assert.ok(suspects(days(2, 16 * KIB), days(2, 8 * KIB)))
  assert.ok(!suspects(days(2, 16 * KIB), days(2, 8 * KIB + 1)))
  assert.ok(!suspects(days(2, 8 * KIB), days(2, KIB)), "14 KiB are gone")
  assert.ok(suspects({ "memory/a.md": 40 * KIB, "memory/b.md": 10 }, { "memory/b.md": 10 }))
})

test("suspectWipe() counts an emptied file as gone, and a file in another folder as there", () => {
  const emptied = Object.fromEntries(Object.keys(days(3, 10)).map((name) => [name, 0]))
  assert.ok(suspects(days(3, 10), emptied))
  const moved = Object.fromEntries(
    Object.keys(days(6, 10)).map((name) => [name.replace("memory/", "memory/old/"), 10]),
  )
  assert.ok(!suspects(days(6, 10), moved))
  const shrunk = Object.fromEntries(Object.keys(moved).map((name) => [name, 9]))
  assert.ok(suspects(days(6, 10), shrunk), "these are other files")
})

test("suspectWipe() takes a core file that is missing, moved away, or below a tenth", () => {
  assert.ok(suspects({ "MEMORY.md": 100 }, {}))
  assert.ok(suspects({ "MEMORY.md": 100 }, { "memory/MEMORY.md": 100 }))
  assert.ok(suspects({ "MEMORY.md": 100 }, { "MEMORY.md": 9 }))
  assert.ok(!suspects({ "MEMORY.md": 100 }, { "MEMORY.md": 10 }))
  assert.ok(!suspects({ "skills/x/MEMORY.md": 100 }, {}), "it is not the core file")
})

test("suspectWipe() counts a file that the host made from its template as absent, unless it was one before", () => {
  const isTemplate = (path: string): boolean => path === "MEMORY.md"
  assert.ok(suspects({ "MEMORY.md": 900 }, { "MEMORY.md": 500 }, { isTemplate }))
  assert.ok(!suspects({ "MEMORY.md": 500 }, { "MEMORY.md": 500 }, { isTemplate }))
})

test("suspectWipe() does not miss files that are left out on purpose", () => {
  assert.ok(!suspects({ "MEMORY.md": 100 }, {}, { leftOut: new Set(["MEMORY.md"]) }))
})

const contextOf = ({ setup }: AgentPlace): RunContext => ({ setup, by: "cli" })
const run = async (place: AgentPlace): Promise<SyncNow> =>
  await requestRun(contextOf(place), { trigger: "manual", wait: true })

function wipe({ workspace }: AgentPlace): void {
  rmSync(join(workspace, "memory"), { recursive: true })
  rmSync(join(workspace, "MEMORY.md"))
}

async function latest(place: AgentPlace): Promise<string | undefined> {
  const repository = await place.open()
  const all = await snapshots(repository)
  repository.close()
  return all.findLast(({ flag }) => flag === null)?.id
}

test("a wiped workspace is backed up with a flag, and stays flagged until a person accepts it", async (t) => {
  const place = await agentPlace(t)
  const good = await run(place)
  wipe(place)
  const wiped = await run(place)
  assert.equal(wiped.flag, "suspected-wipe")
  assert.ok(wiped.warnings.some(({ code }) => code === "suspected-wipe"))
  assert.equal(await latest(place), good.snapshot)
  const again = await run(place)
  assert.deepEqual([again.outcome, again.flag], ["unchanged", "suspected-wipe"])
  place.write("memory/first.md", "a new life\n")
  const later = await run(place)
  assert.equal(later.flag, "suspected-wipe", "compared with the last good one, not with the wiped one")
  const status = await statusOf(place.setup, { environment: {}, verbose: false })
  assert.equal(status.state, "degraded")
  assert.deepEqual(
    status.recent.map(({ flag }) => flag),
    ["suspected-wipe", "suspected-wipe", null],
  )
  const accepted = await acceptSnapshot(contextOf(place), (later.snapshot ?? "").slice(0, 12))
  assert.equal(accepted.outcome, "created")
  assert.equal(accepted.flag, null)
  place.write("memory/second.md", "another day\n")
  assert.equal((await run(place)).flag, null)
  const ended = await statusOf(place.setup, { environment: {}, verbose: false })
  assert.equal(ended.state, "ok")
  assert.deepEqual(
    ended.recent.map(({ flag }) => flag),
    [null, null, null, "suspected-wipe", null],
  )
})

test("a workspace that comes back after a wipe is good again", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  writeFileSync(join(place.workspace, "MEMORY.md"), "x")
  assert.equal((await run(place)).flag, "suspected-wipe")
  place.write("MEMORY.md", "# MEMORY.md\n".repeat(20))
  assert.equal((await run(place)).flag, null)
})

test("acceptSnapshot() refuses what is not flagged", async (t) => {
  const place = await agentPlace(t)
  const { snapshot } = await run(place)
  await assert.rejects(acceptSnapshot(contextOf(place), snapshot ?? ""), { code: "not-flagged" })
})

test("sessions and databases that the host removes are no wipe", async (t) => {
  const place = await agentPlace(t)
  for (let i = 0; i < 9; i++) place.write(`memory/session-${i}.jsonl`, "x".repeat(20_000))
  await run(place)
  for (let i = 0; i < 9; i++) rmSync(join(place.workspace, `memory/session-${i}.jsonl`))
  assert.equal((await run(place)).flag, null)
})
