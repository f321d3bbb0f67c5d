import assert from "node:assert/strict"
import { test } from "node:test"
import { snapshots } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { RunContext } from "./context.ts"
import { requestRun } from "./queue.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"

const contextOf = ({ setup }: AgentPlace): RunContext => ({ setup, by: "cli" })

async function countSnapshots(place: AgentPlace): Promise<number> {
  const repository = await place.open()
  const { length } = await snapshots(repository)
  repository.close()
  return length
}

test("requestRun() backs up, and says unchanged when nothing has changed", async (t) => {
  const place = await agentPlace(t)
  const first = await requestRun(contextOf(place), { trigger: "manual", wait: true })
  TOOL_SCHEMAS.sync_now.output.parse(first)
  assert.equal(first.outcome, "created")
  assert.equal(first.files.new, 8)
  const second = await requestRun(contextOf(place), { trigger: "manual", wait: true })
  assert.equal(second.outcome, "unchanged")
  assert.equal(second.snapshot, first.snapshot)
})

test("requestRun() makes one or two snapshots of 200 calls at once", async (t) => {
  const place = await agentPlace(t)
  const calls = Array.from({ length: 200 }, (_, i) =>
    requestRun(contextOf(place), { trigger: i % 2 === 0 ? "manual" : "wrap_up", wait: true }),
  )
  const results = await Promise.all(calls)
  assert.ok((await countSnapshots(place)) <= 2)
  assert.equal(results.filter(({ outcome }) => outcome === "created").length, 1)
})
