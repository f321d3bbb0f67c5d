import assert from "node:assert/strict"
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { configPlace } from "../../testing/config-place.ts"
import type { NotReady, Setup } from "../setup.ts"
import { approve, proposeApproval } from "./approve.ts"
import { isNotReady, openSetup } from "./open-setup.ts"

function notReady(found: Setup | NotReady): NotReady {
  assert.ok(isNotReady(found))
  return found
}

const LOCAL = { provider: "local", repository: "/backups/nero" }

test("openSetup() of a folder without a configuration is unconfigured", async (context) => {
  const { open, workspace } = configPlace(context)
  const found = notReady(await open())
  assert.deepEqual(
    [found.state, found.workspace, found.problem.code],
    ["unconfigured", workspace, "unconfigured"],
  )
})

test("openSetup() of a file that was never approved on this machine needs approval", async (context) => {
  const { open, write } = configPlace(context)
  write(LOCAL)
  assert.equal(notReady(await open()).state, "needs_approval")
})

test("openSetup() finds the nearest configured folder upward, and through links", async (context) => {
  const { open, write, approve, workspace, folder } = configPlace(context)
  write(LOCAL)
  await approve()
  mkdirSync(join(workspace, "a/b"), { recursive: true })
  symlinkSync(workspace, join(folder, "link"))
  for (const from of [{ cwd: join(workspace, "a/b") }, { workspace: join(folder, "link") }]) {
    const found = await open(from)
    assert.ok(!isNotReady(found))
    assert.equal(found.workspace, workspace)
  }
  writeFileSync(join(workspace, "a", "session-sync-config.json"), JSON.stringify(LOCAL))
  assert.equal(notReady(await open({ cwd: join(workspace, "a/b") })).workspace, join(workspace, "a"))
})

test("openSetup() of a server that a host starts in a project prefers the approved agent to the project's configuration", async (context) => {
  const { write, environment, folder } = configPlace(context)
  const agent = join(folder, ".claude")
  mkdirSync(agent)
  writeFileSync(join(agent, "session-sync-config.json"), JSON.stringify(LOCAL))
  approve(await proposeApproval({ workspace: agent, environment }))
  write({ provider: "local", repository: "/elsewhere" })
  const found = await openSetup({ cwd: join(folder, "workspace"), environment, prefersApproved: true })
  assert.equal(found.workspace, agent)
  assert.ok(!isNotReady(found))
})

test("openSetup() from elsewhere takes the workspace of the host that is configured, and never guesses among two", async (context) => {
  const { environment, folder } = configPlace(context)
  const cwd = join(folder, "elsewhere")
  mkdirSync(cwd)
  const openclaw = join(folder, ".openclaw")
  mkdirSync(join(openclaw, "nero"), { recursive: true })
  mkdirSync(join(folder, ".claude"))
  writeFileSync(
    join(openclaw, "openclaw.json"),
    "{ agents: { defaults: { workspace: '~/.openclaw/nero' } }, } // JSON5",
  )
  const put = (root: string): void =>
    writeFileSync(join(root, "session-sync-config.json"), JSON.stringify(LOCAL))
  const problem = async (): Promise<NotReady> => notReady(await openSetup({ cwd, environment }))
  assert.equal((await problem()).state, "unconfigured")
  put(join(openclaw, "nero"))
  assert.deepEqual(
    [(await problem()).state, (await problem()).workspace],
    ["needs_approval", join(openclaw, "nero")],
  )
  put(join(folder, ".claude"))
  assert.match((await problem()).problem.message, /several agents/)
})

test("openSetup() takes the approved values, and makes a private state folder", async (context) => {
  const { ready, write, approve } = configPlace(context)
  write(`{ "provider": "local", "repository": "~/backups", // here
    "intervalMinutes": 30, "agent_id": "nero", }`)
  await approve()
  const setup = await ready()
  assert.equal(setup.destination.kind, "folder")
  assert.ok(setup.destination.location.endsWith("/backups"))
  assert.equal(setup.settings.intervalMinutes, 30)
  assert.match(setup.series, /^custom\/nero\/[0-9a-f]{16}$/)
  assert.equal(statSync(setup.stateFolder).mode & 0o777, 0o700)
  assert.equal(statSync(join(setup.stateFolder, "approved.json")).mode & 0o777, 0o600)
  assert.deepEqual([setup.waiting, setup.warnings], [[], []])
})

test("openSetup() keeps what was approved while the file is gone, damaged or refused, and says so", async (context) => {
  const { ready, write, approve, configPath } = configPlace(context)
  write(LOCAL)
  await approve()
  const before = await ready()
  const spoil: readonly (readonly [string, () => void])[] = [
    ["config-missing", () => rmSync(configPath)],
    ["config-invalid", () => write("{ not json")],
    ["config-invalid", () => write("[".repeat(200_000))],
    ["config-invalid", () => write('{"include":'.repeat(20_000))],
    ["config-invalid", () => write({ ...LOCAL, retention_days: "1" })],
    ["literal-secret", () => write({ ...LOCAL, secret_key: "hunter2hunter2" })],
    ["command-reference", () => write({ ...LOCAL, encryption_key: "command:curl evil" })],
    ["config-unreadable", () => (rmSync(configPath), mkdirSync(configPath))],
  ]
  for (const [code, act] of spoil) {
    act()
    const now = await ready()
    assert.deepEqual(
      [now.destination, now.settings, now.roots],
      [before.destination, before.settings, before.roots],
    )
    assert.deepEqual(
      now.warnings.map((warning) => warning.code),
      [code],
    )
    assert.ok(!JSON.stringify(now).includes("hunter2"))
  }
})

test("openSetup() refuses a new file with the JSON pointer, and never repeats a value", async (context) => {
  const { open, write } = configPlace(context)
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ ...LOCAL, interval_minutes: "hunter2" }, "config-invalid", /\/interval_minutes: expected number/],
    [{ ...LOCAL, interval_minutes: 1 }, "config-invalid", /\/interval_minutes/],
    [{ ...LOCAL, include: ["ok", "../hunter2"] }, "config-invalid", /\/include\/1: must not contain \.\./],
    [{ ...LOCAL, include: ["/etc/hunter2"] }, "config-invalid", /\/include\/0: .*relative/],
    [{ ...LOCAL, include: ["~/hunter2"] }, "config-invalid", /\/include\/0/],
    [{ ...LOCAL, exclude: ["!hunter2"] }, "config-invalid", /\/exclude\/0: must not begin/],
    [{ ...LOCAL, exclude: ["a\n!hunter2"] }, "config-invalid", /\/exclude\/0/],
    [{ ...LOCAL, profile: "hunter2" }, "config-invalid", /\/profile/],
    [{ ...LOCAL, agent_id: "../hunter2" }, "config-invalid", /\/agent_id/],
    [{ ...LOCAL, triggers: { commands: ["rm -rf hunter2"] } }, "config-invalid", /\/triggers\/commands\/0/],
    [{ ...LOCAL, encryption_key: "hunter2" }, "literal-secret", /\/encryption_key: contains a secret/],
    [{ ...LOCAL, key_id: "command:hunter2" }, "command-reference", /command: is not allowed/],
  ]
  for (const [config, code, message] of cases) {
    write(config)
    const { state, problem } = notReady(await open())
    assert.deepEqual([state, problem.code], ["unconfigured", code], JSON.stringify(config))
    assert.match(problem.message, message)
    assert.ok(!JSON.stringify(problem).includes("hunter2"), problem.message)
  }
})

test("openSetup() warns of unknown keys with a suggestion", async (context) => {
  const { ready, write, approve } = configPlace(context)
  write({ ...LOCAL, retension_days: 30, shoe_size: 9, $schema: "x" })
  await approve()
  const { warnings } = await ready()
  assert.deepEqual(
    warnings.map(({ code, hint }) => [code, hint]),
    [
      ["unknown-key", 'did you mean "retention_days"?'],
      ["unknown-key", undefined],
    ],
  )
})

test("openSetup() gives OpenClaw profiles the agent's own folders, first, and no other agent's", async (context) => {
  const { ready, write, approve, folder } = configPlace(context)
  mkdirSync(join(folder, ".openclaw/agents/nero"), { recursive: true })
  write({ ...LOCAL, profile: "openclaw-sessions", agent_id: "nero", without_auth: true, include: ["notes/"] })
  await approve()
  const { roots, capture, warnings } = await ready()
  const [state, workspace] = roots
  assert.deepEqual([state?.name, state?.path], ["state", join(folder, ".openclaw")])
  assert.deepEqual(state?.include, ["/agents/nero/agent/", "/agents/nero/sessions/", "/skills/"])
  assert.ok(workspace?.include.includes("notes/") && workspace.include.includes("/memory/"))
  assert.ok(capture.sqlite && capture.emptyTables.includes("auth_profile_store"))
  assert.ok(state?.exclude.includes("*.sqlite.*"), "copies of databases, whose tables are not emptied")
  assert.deepEqual(warnings, [])
})

test("openSetup() warns if OpenClaw keeps an agent's conversations elsewhere", async (context) => {
  const { ready, write, approve, folder } = configPlace(context)
  mkdirSync(join(folder, ".openclaw/agents/nero"), { recursive: true })
  const entries = {
    nero: { agentDir: join(folder, "elsewhere") },
    main: { agentDir: "~/.openclaw/agents/main/agent" },
  }
  writeFileSync(join(folder, ".openclaw/openclaw.json"), JSON.stringify({ agents: { entries } }))
  write({ ...LOCAL, profile: "openclaw-sessions", agent_id: "nero" })
  await approve()
  assert.match((await ready()).warnings[0]?.message ?? "", /elsewhere, outside of .*: they are not backed up/)
})
