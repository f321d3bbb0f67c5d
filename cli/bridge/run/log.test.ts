import assert from "node:assert/strict"
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { SyncNow } from "../results.ts"
import { requestRun } from "./queue.ts"
import { writeLog } from "./log.ts"

const run = async ({ setup }: AgentPlace): Promise<SyncNow> =>
  await requestRun({ setup, by: "cli" }, { trigger: "manual", wait: true })
const logOf = ({ workspace }: AgentPlace): string => join(workspace, "memory/sync-log.jsonl")

interface Line {
  readonly op: string
  readonly outcome: string
  readonly triggers: readonly string[]
  readonly snapshot: string | null
  readonly by: string
}

function lines(place: AgentPlace): Line[] {
  const text = readFileSync(logOf(place), "utf8")
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as Line]
    } catch {
      return []
    }
  })
}

test("the log has one line for each run, mode 600, and unchanged at most once an hour", async (t) => {
  const place = await agentPlace(t)
  const { snapshot } = await run(place)
  for (let i = 0; i < 3; i++) assert.equal((await run(place)).outcome, "unchanged")
  const found = lines(place)
  assert.deepEqual(
    found.map(({ op, outcome, by }) => [op, outcome, by]),
    [
      ["backup", "created", "cli"],
      ["backup", "unchanged", "cli"],
    ],
  )
  assert.equal(found[0]?.snapshot, snapshot)
  assert.equal(statSync(logOf(place)).mode & 0o777, 0o600)
})

test("the log alone makes no snapshot: not when it is made, not when it is rotated, not when it is edited", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  assert.equal((await run(place)).outcome, "unchanged", "made by the first run")
  writeFileSync(logOf(place), "x".repeat(1024 * 1024))
  assert.equal((await run(place)).outcome, "unchanged")
  assert.equal(
    writeLog(place.setup, "cli", { op: "verify", triggers: [], outcome: "ok", ms: 0, warnings: [] }),
    undefined,
  )
  assert.ok(existsSync(join(place.workspace, "memory/sync-log.1.jsonl")))
  assert.equal((await run(place)).outcome, "unchanged", "rotated")
})

test("the log keeps three older files", async (t) => {
  const place = await agentPlace(t)
  for (let i = 0; i < 6; i++) {
    writeFileSync(logOf(place), `${i}`.repeat(1024 * 1024))
    writeLog(place.setup, "cli", { op: "verify", triggers: [], outcome: "ok", ms: 0, warnings: [] })
  }
  const first = (number: number): string =>
    readFileSync(join(place.workspace, `memory/sync-log.${number}.jsonl`), "utf8").slice(0, 1)
  assert.deepEqual([1, 2, 3].map(first), ["5", "4", "3"])
  assert.ok(!existsSync(join(place.workspace, "memory/sync-log.4.jsonl")))
})

test("a torn or deleted log is no error, and the next line is whole", async (t) => {
  const place = await agentPlace(t)
  await run(place)
  writeFileSync(logOf(place), '{"v":1,"op":"back')
  place.write("memory/new.md", "new\n")
  assert.equal((await run(place)).outcome, "created")
  assert.equal(lines(place).length, 1)
  rmSync(logOf(place))
  place.write("memory/new.md", "newer\n")
  const { warnings } = await run(place)
  assert.deepEqual(warnings, [])
  assert.equal(lines(place).length, 1)
})

test("the log is not written through a link, into a file with two names, or into what is no file", async (t) => {
  const place = await agentPlace(t)
  const outside = join(place.folder, "outside")
  mkdirSync(outside)
  writeFileSync(join(outside, "victim"), "mine\n")
  const write = (): string | undefined =>
    writeLog(place.setup, "cli", { op: "verify", triggers: [], outcome: "ok", ms: 0, warnings: [] })?.code
  symlinkSync(join(outside, "victim"), logOf(place))
  assert.equal(write(), "log-not-written")
  rmSync(logOf(place))
  linkSync(join(outside, "victim"), logOf(place))
  assert.equal(write(), "log-not-written")
  rmSync(logOf(place))
  mkdirSync(logOf(place))
  assert.equal(write(), "log-not-written")
  rmSync(join(place.workspace, "memory"), { recursive: true })
  symlinkSync(outside, join(place.workspace, "memory"))
  const { warnings } = await run(place)
  assert.ok(warnings.some(({ code }) => code === "log-not-written"))
  rmSync(join(place.workspace, "memory"))
  writeFileSync(join(place.workspace, "memory"), "a file")
  assert.equal(write(), "log-not-written")
  assert.equal(readFileSync(join(outside, "victim"), "utf8"), "mine\n")
  assert.ok(!existsSync(join(outside, "sync-log.jsonl")))
})
