import assert from "node:assert/strict"
import { test } from "node:test"
import { agentPlace } from "../testing/agent-place.ts"
import { openAgent } from "./agent.ts"
import { shared } from "./run/shared.ts"
import { TOOL_SCHEMAS } from "./schemas.ts"

test("openAgent() never fails: without a configuration, status says unconfigured and now fails with it", async (t) => {
  const { workspace, environment } = await agentPlace(t)
  const agent = await openAgent({ workspace, cwd: workspace, environment, host: "cli" })
  const status = await agent.status()
  TOOL_SCHEMAS.sync_status.output.parse(status)
  assert.equal(status.state, "unconfigured")
  assert.equal(await agent.settings(), undefined)
  await assert.rejects(agent.now(), { name: "AgentProblem", code: "unconfigured" })
})

test("openAgent() opens what was configured and approved: status before and after a backup", async (t) => {
  const place = await agentPlace(t)
  const { workspace, environment } = place
  await place.configure()
  const agent = await openAgent({ workspace, cwd: workspace, environment, host: "cli" })
  const before = await agent.status()
  TOOL_SCHEMAS.sync_status.output.parse(before)
  assert.equal(before.state, "stale")
  assert.equal(before.lastBackup, null)
  const made = await agent.now({ reason: "wrap_up" })
  assert.equal(made.outcome, "created")
  const after = await agent.status()
  TOOL_SCHEMAS.sync_status.output.parse(after)
  assert.equal(after.state, "ok", JSON.stringify(after.problem))
  assert.equal(after.lastBackup?.snapshot, made.snapshot)
  assert.equal(after.lastBackup.trigger, "wrap_up")
  assert.deepEqual(
    after.recent.map(({ snapshot, flag }) => ({ snapshot, flag })),
    [{ snapshot: made.snapshot, flag: null }],
  )
  assert.equal(after.dirty?.files, 0)
  place.write("memory/new.md", "new\n")
  assert.equal((await agent.status()).dirty?.files, 1)
})

test("openAgent() of a second copy of the module uses the first one, as long as its files are there", async (t) => {
  const place = await agentPlace(t)
  const { workspace, environment } = place
  await place.configure()
  const copy = (await import(`./agent.ts?${"copy"}`)) as typeof import("./agent.ts")
  assert.notEqual(copy.openAgent, openAgent)
  const request = { workspace, cwd: workspace, environment, host: "plugin" as const }
  const [first, second] = await Promise.all([openAgent(request), copy.openAgent(request)])
  const { door } = shared()
  assert.ok(door !== undefined && door.isAlive())
  const results = await Promise.all([first.now(), second.now()])
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ["created", "joined"],
  )
  shared().door = { ...door, isAlive: () => false }
  await copy.openAgent(request)
  assert.notEqual(shared().door?.open, door.open)
})
