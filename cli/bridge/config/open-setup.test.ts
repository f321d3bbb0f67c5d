import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import type { NotReady, Setup } from "../setup.ts"
import { approve, proposeApproval } from "./approve.ts"
import { CONFIG_NAME } from "./config.ts"
import { isNotReady, openSetup } from "./open-setup.ts"

interface Place {
  readonly home: string
  readonly workspace: string
  readonly environment: Readonly<Record<string, string>>
  readonly write: (config: string | object) => void
  readonly approve: () => Promise<void>
  readonly open: (from?: { workspace?: string; cwd?: string }) => Promise<Setup | NotReady>
}

function place(context: TestContext): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-config-")))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const workspace = join(folder, "workspace")
  mkdirSync(workspace)
  const environment = { HOME: folder, HOLDFAST_HOME: join(folder, "home") }
  return {
    home: folder,
    workspace,
    environment,
    write: (config) =>
      writeFileSync(
        join(workspace, CONFIG_NAME),
        typeof config === "string" ? config : JSON.stringify(config),
      ),
    approve: async () => approve(await proposeApproval({ workspace, environment })),
    open: async ({ workspace: named, cwd = workspace } = {}) =>
      await openSetup({ workspace: named, cwd, environment }),
  }
}

function ready(found: Setup | NotReady): Setup {
  assert.ok(!isNotReady(found), JSON.stringify(found))
  return found
}

function notReady(found: Setup | NotReady): NotReady {
  assert.ok(isNotReady(found))
  return found
}

const LOCAL = { provider: "local", repository: "/backups/nero" }

test("openSetup() of a folder without a configuration is unconfigured", async (context) => {
  const { open, workspace } = place(context)
  const found = notReady(await open())
  assert.equal(found.state, "unconfigured")
  assert.equal(found.workspace, workspace)
})

test("openSetup() of a file that was never approved on this machine needs approval", async (context) => {
  const { open, write } = place(context)
  write(LOCAL)
  assert.equal(notReady(await open()).state, "needs_approval")
})

test("openSetup() finds the configured folder upward, and through links", async (context) => {
  const { open, write, approve: yes, workspace } = place(context)
  write(LOCAL)
  await yes()
  mkdirSync(join(workspace, "a/b"), { recursive: true })
  assert.equal(ready(await open({ cwd: join(workspace, "a/b") })).workspace, workspace)
})

test("openSetup() takes the approved values, and makes a private state folder", async (context) => {
  const { open, write, approve: yes } = place(context)
  write(`{ "provider": "local", "repository": "~/backups", // here
    "intervalMinutes": 30, "agent_id": "nero", }`)
  await yes()
  const setup = ready(await open())
  assert.equal(setup.destination.kind, "folder")
  assert.ok(setup.destination.location.endsWith("/backups"))
  assert.equal(setup.settings.intervalMinutes, 30)
  assert.match(setup.series, /^custom\/nero\/[0-9a-f]{16}$/)
  assert.equal(statSync(setup.stateFolder).mode & 0o777, 0o700)
  assert.equal(statSync(join(setup.stateFolder, "approved.json")).mode & 0o777, 0o600)
  assert.deepEqual(setup.waiting, [])
})
