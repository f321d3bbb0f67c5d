/** The verbs that run and report an agent's backups, as a script calls them. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import type { SyncNow, SyncStatus } from "../../bridge/results.ts"
import { withRecord } from "../../bridge/run/record.ts"
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

test("agent status --json prints one object and nothing else, with 0, 1 or 2 by the state", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const stateOf = (): readonly [string, number | null] => {
    const { out, err, code } = run(place, "status", "--json")
    assert.equal(err, "")
    return [(JSON.parse(out) as SyncStatus).state, code]
  }
  assert.deepEqual(stateOf(), ["stale", 1])
  now(place)
  assert.deepEqual(stateOf(), ["ok", 0])
  run(place, "pause")
  assert.deepEqual(stateOf(), ["paused", 0])
  run(place, "resume")
  rmSync(join(place.workspace, "MEMORY.md"))
  now(place)
  assert.deepEqual(stateOf(), ["degraded", 1])
  place.write("session-sync-config.json", CHANGED)
  assert.deepEqual(stateOf(), ["needs_approval", 2])
})

const CHANGED = JSON.stringify({
  provider: "local",
  repository: "/elsewhere",
  profile: "openclaw-memory",
  interval_minutes: 5,
})

test("agent sync warns of changes that wait for approval, and of a configuration without effect", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  place.write("session-sync-config.json", CHANGED)
  assert.match(
    now(place)
      .warnings.map(({ message }) => message)
      .join("|"),
    /elsewhere/,
  )
  assert.match(run(place, "sync").err, /^holdfast: .*elsewhere.*agent trust/m)
  assert.match(
    now(place, "--no-wait")
      .warnings.map(({ message }) => message)
      .join("|"),
    /elsewhere/,
  )
  place.write("session-sync-config.json", "{ torn")
  assert.match(
    now(place)
      .warnings.map(({ message }) => message)
      .join("|"),
    /approved configuration stays in force/,
  )
})

test("agent run --once is one pass of the timer: it backs up only if that is due or was requested", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const once = (): SyncStatus & SyncNow => {
    const { code, out, err } = run(place, "run", "--once", "--json")
    assert.deepEqual([code, err], [0, ""])
    return JSON.parse(out) as SyncStatus & SyncNow
  }
  assert.equal(once().outcome, "created")
  place.write("memory/later.md", "later\n")
  assert.equal(once().state, "ok", "not due: the status")
  assert.match(run(place, "run", "--once").out, /no backup is due yet; nothing was backed up/)
  withRecord(place.setup, (record) => record.want("session_end", Date.now()))
  assert.equal(once().outcome, "created")
  assert.equal(statusOf(place).recent[0]?.trigger, "session_end")
})

test("agent doctor names a cron line that keeps the timer", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const bin = join(place.folder, "bin")
  mkdirSync(bin)
  const doctor = (): string => run({ ...place, environment }, "doctor").out
  const PATH = `${bin}:${process.env["PATH"] ?? ""}`
  const environment = { ...place.environment, PATH, TMPDIR: place.folder }
  // the system's spool is not the test's to write
  const crontab = `#!/bin/sh\nif [ "$1" = - ]; then cat > ${bin}/tab; else cat ${bin}/tab; fi\n`
  writeFileSync(join(bin, "crontab"), crontab, { mode: 0o700 })
  writeFileSync(join(bin, "tab"), "")
  assert.match(doctor(), /^!! {2}timer: no process keeps the interval/m)
  const words = [PROGRAM, "schedule", "install", "--with", "cron", "--yes", "--workspace", place.workspace]
  const installed = spawnSync(process.execPath, words, { env: environment, encoding: "utf8" })
  assert.equal(installed.status, 0, installed.stderr)
  assert.match(doctor(), /^ok {2}timer: kept by a line in the crontab/m)
  assert.equal(statusOf(place).timer.holder, "cron")
  writeFileSync(join(bin, "tab"), "")
  assert.match(doctor(), /^!! {2}timer: no process keeps the interval/m)
  assert.equal(statusOf(place).timer.holder, "none", "doctor has seen that the line is gone")
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
