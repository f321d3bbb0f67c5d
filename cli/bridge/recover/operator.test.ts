import assert from "node:assert/strict"
import Sqlite from "better-sqlite3"
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { confirmed, problem, restored, saved } from "../../testing/recover-place.ts"

interface WithState {
  readonly place: AgentPlace
  readonly state: string
  readonly database: string
}

/** An agent with the host's own folder, which has a database in WAL mode with one row, and a snapshot of both. */
async function withState(t: TestContext): Promise<WithState> {
  const place = await agentPlace(t)
  const state = join(realpathSync(place.folder), "state")
  mkdirSync(state)
  writeFileSync(join(state, "cold.jsonl"), "a line\n")
  const database = join(state, "agent.sqlite")
  insert(database, "first")
  const root = { name: "state", path: state, include: [], exclude: ["*-shm", "/tmp/"] } as const
  const setup = { ...place.setup, roots: [root, ...place.setup.roots] }
  const both = { ...place, setup }
  await saved(both)
  return { place: both, state, database }
}

function insert(file: string, text: string): void {
  const database = new Sqlite(file)
  database.pragma("journal_mode = WAL")
  database.exec("CREATE TABLE IF NOT EXISTS lines (text)")
  database.prepare("INSERT INTO lines VALUES (?)").run(text)
  database.close()
}

function rows(file: string): unknown[] {
  const database = new Sqlite(file, { readonly: true })
  try {
    return database.prepare("SELECT text FROM lines").pluck().all()
  } finally {
    database.close()
  }
}

const OPERATOR = { how: { operator: true } }

test("a tool restores neither databases nor the host's folder in place, and gives the offline steps", async (t) => {
  const { place, database, state } = await withState(t)
  insert(database, "second")
  rmSync(join(state, "cold.jsonl"))
  place.write("MEMORY.md", "changed")
  const result = await confirmed(place, { timestamp: "latest" })
  assert.equal(result.outcome, "restored")
  assert.deepEqual(rows(database), ["first", "second"])
  assert.ok(!existsSync(join(state, "cold.jsonl")))
  assert.equal(result.steps[0], "Stop the gateway: openclaw gateway stop")
  assert.ok(result.warnings.some(({ code }) => code === "left-for-a-person"))
})

test("mode staged gives a sound copy of the database", async (t) => {
  const { place, database } = await withState(t)
  insert(database, "second")
  const { stagedAt = "", warnings } = await restored(place, { timestamp: "latest", mode: "staged" })
  assert.deepEqual(warnings, [])
  assert.deepEqual(rows(join(stagedAt, "state/agent.sqlite")), ["first"])
  assert.deepEqual(rows(database), ["first", "second"])
})

test("a person's restore replaces the database, its WAL too, and the undo brings it back", async (t) => {
  const { place, database, state } = await withState(t)
  insert(database, "second")
  writeFileSync(`${database}-wal`, "a stale log")
  rmSync(join(state, "cold.jsonl"))
  const result = await confirmed(place, { timestamp: "latest" }, OPERATOR)
  assert.equal(result.outcome, "restored")
  assert.deepEqual(rows(database), ["first"])
  assert.equal(readFileSync(join(state, "cold.jsonl"), "utf8"), "a line\n")
  const undone = await confirmed(place, { timestamp: "undo" }, OPERATOR)
  assert.equal(undone.outcome, "restored")
  assert.deepEqual(rows(database), ["first", "second"])
  assert.ok(!existsSync(join(state, "cold.jsonl")))
})

test("a journal whose database was left out of the backup does not stop a restore", async (t) => {
  const { place, state } = await withState(t)
  const journal = join(state, "lock.sqlite-journal")
  writeFileSync(journal, "not a database")
  await saved(place)
  rmSync(journal)
  rmSync(join(state, "cold.jsonl"))
  await confirmed(place, { timestamp: "latest" }, OPERATOR)
  assert.equal(readFileSync(join(state, "cold.jsonl"), "utf8"), "a line\n")
  assert.equal(readFileSync(journal, "utf8"), "not a database")
})

test("a person's restore refuses a database that is open, and writes nothing", async (t) => {
  const { place, database } = await withState(t)
  insert(database, "second")
  place.write("MEMORY.md", "changed")
  const open = new Sqlite(database)
  open.prepare("SELECT count(*) FROM lines").get()
  await assert.rejects(restored(place, { timestamp: "latest" }, OPERATOR), problem("program-running"))
  open.close()
  assert.equal(readFileSync(join(place.workspace, "MEMORY.md"), "utf8"), "changed")
})

test("a person's restore refuses while the gateway runs", async (t) => {
  const { place, state } = await withState(t)
  const folder = join(
    state,
    "tmp",
    process.getuid === undefined ? "openclaw" : `openclaw-${process.getuid()}`,
  )
  mkdirSync(folder, { recursive: true })
  rmSync(join(state, "cold.jsonl"))
  const lock = join(folder, "gateway.state.lock")
  writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1 }))
  assert.equal((await restored(place, { timestamp: "latest", mode: "preview" }, OPERATOR)).outcome, "preview")
  const { spawn } = await import("node:child_process")
  const gateway = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "openclaw"], {
    stdio: "ignore",
  })
  t.after(() => gateway.kill())
  writeFileSync(lock, JSON.stringify({ pid: gateway.pid }))
  await assert.rejects(restored(place, { timestamp: "latest" }, OPERATOR), problem("program-running"))
  gateway.kill()
  await new Promise((resolve) => gateway.once("exit", resolve))
  assert.equal((await restored(place, { timestamp: "latest" }, OPERATOR)).outcome, "restored")
})

test("a snapshot's newer database is restored with a warning that the host is older", async (t) => {
  const { place, database } = await withState(t)
  const version = (value: number): void => {
    const open = new Sqlite(database)
    open.pragma(`user_version = ${value}`)
    open.close()
  }
  version(23)
  await saved(place)
  rmSync(database)
  insert(database, "fresh")
  version(21)
  const { warnings } = await confirmed(place, { timestamp: "latest" }, OPERATOR)
  assert.ok(warnings.some(({ code }) => code === "host-older"))
})
