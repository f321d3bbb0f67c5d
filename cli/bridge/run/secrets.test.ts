import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { openMadeDatabase } from "../../../engine/testing/live-database.ts"
import { entries, snapshots } from "../../../engine/index.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import type { SyncNow } from "../results.ts"
import type { Settings } from "../setup.ts"
import { requestRun } from "./queue.ts"
import { withRecord } from "./record.ts"
import { statusOf } from "./status.ts"

/** Made for this test; in two parts, or this repository would seem to contain a secret. */
const TOKEN = `ghp_${"16C7e42F292c6912E7710c838347Ae178B4a"}`

function withScan(place: AgentPlace, secretsScan: Settings["secretsScan"]): AgentPlace {
  const { setup } = place
  return { ...place, setup: { ...setup, settings: { ...setup.settings, secretsScan } } }
}

const run = async ({ setup }: AgentPlace): Promise<SyncNow> =>
  await requestRun({ setup, by: "cli" }, { trigger: "manual", wait: true })
const codes = ({ warnings }: SyncNow): string[] => warnings.map(({ code }) => code)

async function newestFiles(place: AgentPlace): Promise<string[]> {
  const repository = await place.open()
  const newest = (await snapshots(repository)).at(-1)
  assert.ok(newest)
  const paths: string[] = []
  for await (const { path, type } of entries(repository, newest)) if (type === "file") paths.push(path)
  repository.close()
  return paths
}

test("secrets_scan: warn names the file and the line, and backs it up; the token is not remembered", async (t) => {
  const place = withScan(await agentPlace(t), "warn")
  place.write("memory/keys.md", `# keys\ntoken ${TOKEN}\n`)
  const first = await run(place)
  assert.deepEqual(codes(first), ["secrets-found"])
  assert.match(first.warnings[0]?.message ?? "", /memory\/keys\.md, line 2 \(GitHub token\)/)
  assert.ok((await newestFiles(place)).includes("workspace/memory/keys.md"))
  assert.deepEqual(codes(await run(place)), ["secrets-found"], "remembered, not read again")
  assert.ok(!readFileSync(join(place.setup.stateFolder, "state.sqlite")).includes(TOKEN))
  assert.ok(!readFileSync(join(place.workspace, "memory/sync-log.jsonl")).includes(TOKEN))
  assert.equal((await statusOf(place.setup, { environment: {}, verbose: false })).state, "ok")
  place.write("memory/keys.md", "# keys\n")
  assert.deepEqual(codes(await run(place)), [])
})

test("secrets_scan: block leaves the file out, says so in the status, and is no wipe", async (t) => {
  const place = withScan(await agentPlace(t), "block")
  const names = ["memory/a [b]*.md", "memory/ #c! .md", "MEMORY.md"]
  for (const name of names) place.write(name, "harmless\n".repeat(100))
  await run(place)
  for (const name of names) place.write(name, `${"harmless\n".repeat(100)}${TOKEN}\n`)
  const blocked = await run(place)
  assert.deepEqual(codes(blocked), ["secrets-blocked"])
  assert.equal(blocked.flag, null)
  const files = await newestFiles(place)
  for (const name of names) assert.ok(!files.includes(`workspace/${name}`), name)
  assert.ok(files.includes("workspace/SOUL.md"))
  assert.equal((await statusOf(place.setup, { environment: {}, verbose: false })).state, "degraded")
})

test("secrets_scan: off reads no file for it", async (t) => {
  const place = withScan(await agentPlace(t), "off")
  place.write("memory/keys.md", TOKEN)
  assert.deepEqual(codes(await run(place)), [])
  assert.equal(
    withRecord(place.setup, (record) => record.scanned().size),
    0,
  )
})

test("the look for secrets forgets files that are gone", async (t) => {
  const place = withScan(await agentPlace(t), "warn")
  place.write("memory/keys.md", TOKEN)
  await run(place)
  rmSync(join(place.workspace, "memory/keys.md"))
  assert.deepEqual(codes(await run(place)), [])
  assert.ok(!withRecord(place.setup, (record) => record.scanned().has("workspace/memory/keys.md")))
})

test("a run leaves this process its locks on a database that it has open, as a host with a plugin has", async (t) => {
  const scanned = withScan(await agentPlace(t), "warn")
  const capture = { ...scanned.setup.capture, sqlite: true }
  const place = { ...scanned, setup: { ...scanned.setup, capture } }
  const file = join(place.workspace, "memory/agent.sqlite")
  const database = openMadeDatabase(file, { rows: 1 })
  t.after(() => database.close())
  const visit = `const d = new (require("better-sqlite3"))(process.argv[1]); d.pragma("user_version"); d.close()`
  for (let round = 0; round < 3; round++) {
    database.exec("UPDATE total SET n = n + 1")
    await run(place)
    execFileSync(process.execPath, ["-e", visit, file])
    assert.ok(existsSync(`${file}-wal`), "another program took the log away: the locks were lost")
  }
})
