/** The verbs that run and report an agent's backups, as a script calls them. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import type { SyncNow, SyncStatus } from "../../bridge/results.ts"
import { TOOL_SCHEMAS } from "../../bridge/schemas.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { outcomeOf, type Outcome } from "../../testing/run-cli.ts"

const PROGRAM = resolve("dist/cli/main.js")

function run({ environment, workspace, folder }: AgentPlace, ...words: string[]): Outcome {
  const { PATH = "" } = process.env
  const args = [PROGRAM, "agent", ...words, "--workspace", workspace]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: { PATH, ...environment },
    encoding: "utf8",
  })
  return outcomeOf(status, stdout, stderr)
}

function now(place: AgentPlace, ...words: string[]): SyncNow {
  const { out, code, err } = run(place, "sync", "--json", ...words)
  assert.equal(code, 0, err)
  assert.equal(out.trim().split("\n").length, 1)
  return TOOL_SCHEMAS.sync_now.output.parse(JSON.parse(out)) as unknown as SyncNow
}

function statusOf(place: AgentPlace): SyncStatus {
  const { out } = run(place, "status", "--json")
  return TOOL_SCHEMAS.sync_status.output.parse(JSON.parse(out)) as unknown as SyncStatus
}

test("agent sync and status end with 2 and what to do, while nothing is configured", async (t) => {
  const place = await agentPlace(t)
  const sync = run(place, "sync")
  assert.equal(sync.code, 2)
  assert.match(sync.err, /^holdfast: .*has no session-sync-config\.json\. Run: holdfast agent init/)
  assert.equal(run(place, "status").code, 2)
  assert.equal(statusOf(place).state, "unconfigured")
})

test("agent sync backs up once and prints one object; --quiet prints nothing when all is well", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const first = now(place, "--trigger", "session_end", "--label", "the day's end")
  assert.equal(first.outcome, "created")
  assert.equal(now(place).outcome, "unchanged")
  place.write("memory/later.md", "later\n")
  const quiet = run(place, "sync", "--quiet", "--trigger", "cron")
  assert.deepEqual([quiet.code, quiet.out, quiet.err], [0, "", ""])
  const { recent, state } = statusOf(place)
  assert.equal(state, "ok")
  assert.deepEqual(
    recent.map(({ trigger }) => trigger),
    ["cron", "session_end"],
  )
})

test("agent sync --quiet --trigger cron is one mail for a flag, none for what comes with every run, and none while paused", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const cron = (): readonly [number | null, string, string] => {
    const { code, out, err } = run(place, "sync", "--quiet", "--trigger", "cron")
    return [code, out, err]
  }
  place.write("memory/later.md", `AKIA${"ABCDEFGHIJKLMNOP"}\n`)
  assert.match(run(place, "sync").err, /contain secrets/)
  place.write("memory/later.md", `again AKIA${"ABCDEFGHIJKLMNOP"}\n`)
  assert.deepEqual(cron(), [0, "", ""])
  for (const name of ["memory", "MEMORY.md", "SOUL.md"])
    rmSync(join(place.workspace, name), { recursive: true })
  assert.match(cron().join("|"), /^0\|\|holdfast: .*This snapshot is flagged/)
  assert.deepEqual(cron(), [0, "", ""])
  run(place, "pause")
  place.write("memory/new.md", "new\n")
  const { lastAttempt } = statusOf(place)
  assert.deepEqual(cron(), [0, "", ""])
  assert.deepEqual(statusOf(place).lastAttempt, lastAttempt, "a cron line is a timer")
})

test("agent sync --no-wait says queued, and the backup is done when the command ends", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  assert.equal(now(place, "--no-wait", "--reason", "wrap_up").outcome, "queued")
  assert.equal(statusOf(place).lastBackup?.trigger, "wrap_up")
})

test("agent status ends with 1 when backups are stale, and is one readable page", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  assert.equal(run(place, "status").code, 1)
  run(place, "sync")
  const { code, out } = run(place, "status")
  assert.equal(code, 0)
  for (const name of [
    "state",
    "workspace",
    "profile",
    "last backup",
    "timer",
    "changed",
    "repository",
    "retention",
  ])
    assert.match(out, new RegExp(`^${name} `, "m"))
})

test("agent pause and resume: the status says so, and sync still runs", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  now(place)
  assert.match(run(place, "pause", "--for", "2h").out, /: the timer is paused until \d{4}-/)
  assert.equal(statusOf(place).state, "paused")
  place.write("memory/paused.md", "meanwhile\n")
  assert.equal(now(place).outcome, "created")
  assert.equal(run(place, "resume").code, 0)
  assert.equal(statusOf(place).state, "ok")
  assert.equal(run(place, "pause", "--for", "a while").code, 2)
})

test("agent accept ends a suspected wipe, and refuses what is not flagged", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const good = now(place)
  assert.equal(run(place, "accept", good.snapshot ?? "").code, 1)
  rmSync(join(place.workspace, "memory"), { recursive: true })
  rmSync(join(place.workspace, "MEMORY.md"))
  const wiped = now(place)
  assert.equal(wiped.flag, "suspected-wipe")
  assert.equal(statusOf(place).state, "degraded")
  const { code, out } = run(place, "accept", (wiped.snapshot ?? "").slice(0, 8), "--json")
  assert.equal(code, 0)
  TOOL_SCHEMAS.sync_now.output.parse(JSON.parse(out))
  assert.equal(statusOf(place).state, "ok")
})
