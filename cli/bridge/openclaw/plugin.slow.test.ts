/**
 * The plugin on the real OpenClaw host: installed from its archive beside a hostile registry, used through the tool
 * door, a fake model and chat commands, and restored on a second, freshly onboarded machine. The tests are the steps of
 * one story, since a gateway takes a minute to set up.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { after, before, test } from "node:test"
import type { SyncNow } from "../results.ts"
import { NOT_OWNER } from "./gateway-call.ts"
import { onboardHost, until, type OpenClaw } from "./host.ts"
import { HOSTILE_MARK } from "./hostile-registry.ts"
import { ID, LINE, openStory, type Story } from "./plugin-story.ts"

const MINUTE_MS = 60_000
const NOTE = "memory/2026-11-30.md"
const CAPTURES = 12
const DATABASE = "agents/main/agent/openclaw-agent.sqlite"

const folder = mkdtempSync(join(tmpdir(), "holdfast-openclaw-"))
let story: Story
let sessions: string[] = []
/** Onboarded in the step before it is used, while others wait for programs. */
let second: OpenClaw

before(
  async () => {
    story = await openStory(folder)
  },
  { timeout: 8 * MINUTE_MS },
)

after(async () => {
  await story?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const step = (name: string, work: () => Promise<void>): void =>
  void test(name, { timeout: 5 * MINUTE_MS }, work)

step("the archive's own holdfast is installed, and no registry is asked for that name", async () => {
  const { host, registry } = story
  assert.deepEqual(registry.taken, [])
  assert.ok(
    registry.others.some((path) => path.includes("fastcdc-wasm")),
    "the registry was not used",
  )
  const plugin = `npm/projects/*/node_modules/${ID}`
  const find = (path: string): string =>
    join(host.stateDir, globSync(path, { cwd: host.stateDir })[0] ?? "missing")
  const door = readFileSync(find(`${plugin}/node_modules/holdfast/dist/cli/bridge/door.js`), "utf8")
  assert.equal(door.includes(HOSTILE_MARK), false)
  const manifest = JSON.parse(readFileSync(find(`${plugin}/package.json`), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  assert.match(manifest.dependencies["holdfast"] ?? "", /^file:/)
})

step("sync_now at the tool door makes a snapshot, and refuses unknown parameters", async () => {
  const now = await story.tool<SyncNow>("sync_now", { reason: "manual" })
  assert.ok(["created", "unchanged"].includes(now.outcome), now.outcome)
  assert.notEqual((await story.host.door("sync_now", { bogus: 1 })).status, 200)
  assert.equal((await story.host.door("sync_read", { timestamp: "latest", path: NOTE })).status, 404)
  const { state, timer, recent } = await story.status()
  assert.equal(state, "ok")
  assert.equal(timer.holder, "plugin")
  assert.ok(recent.length > 0)
})

step("the model is given the three tools and none of the optional ones", async () => {
  await story.turn("hello")
  const tools = story.model.requests.at(-1)?.tools.filter((name) => name.startsWith("sync_"))
  assert.deepEqual(tools?.toSorted(), ["sync_now", "sync_restore", "sync_status"])
})

step(
  "/wrap_up makes one snapshot after the turn without conversation access, though the model calls sync_now",
  async () => {
    story.model.onWrapUp = [["sync_now", { reason: "wrap_up" }]]
    const { made } = await story.wrapUp()
    assert.deepEqual(
      made.map(({ trigger }) => trigger),
      ["wrap_up"],
    )
    assert.match(story.model.requests.at(-1)?.results.join("\n") ?? "", /queued/)
  },
)

step("/wrap_up makes one snapshot after a hot reload that gives conversation access", async () => {
  const { host, model } = story
  host.configure(({ plugins }) => {
    const entry = plugins?.entries?.[ID]
    if (entry !== undefined) entry["hooks"] = { allowConversationAccess: true }
  })
  const log = join(folder, "a/gateway.log")
  await until("the plugin is replaced", 2 * MINUTE_MS, () =>
    readFileSync(log, "utf8").includes("hot reload applied"),
  )
  await until("the tools are back", MINUTE_MS, async () => (await host.door("sync_status")).status === 200)
  for (const calls of [[["sync_now", { reason: "wrap_up" }] as const], []]) {
    model.onWrapUp = calls
    const { made } = await story.wrapUp()
    assert.deepEqual(
      made.map(({ trigger }) => trigger),
      ["wrap_up"],
    )
  }
  assert.equal((await story.status()).timer.holder, "plugin")
})

step("the live database is captured whole while it is written", async () => {
  const live = join(story.host.stateDir, DATABASE)
  let isWriting = true
  const writing = (async () => {
    while (isWriting) await story.turn("hello again")
  })()
  const tables = (path: string): number => {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      const row = database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get()
      return Number(row?.["n"])
    } finally {
      database.close()
    }
  }
  let { snapshot } = await story.tool<SyncNow>("sync_now")
  // a gateway that loses its locks on the database does not survive these
  for (let run = 1; run < CAPTURES; run++) ({ snapshot } = await story.tool<SyncNow>("sync_now"))
  isWriting = false
  await writing
  const target = join(folder, "captured")
  const where = ["-r", story.repository, "--target", target]
  await story.holdfast(story.host, "restore", `${snapshot}:state`, ...where)
  const [path = ""] = globSync(`**/${DATABASE}`, { cwd: target })
  assert.deepEqual(
    globSync("**/*-{wal,shm}", { cwd: target }),
    [],
    "the database was not captured as one file",
  )
  assert.equal(tables(join(target, path)), tables(live))
  const copy = new DatabaseSync(join(target, path), { readOnly: true })
  assert.equal(copy.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok")
  copy.close()
})

step("/sync_restore is refused to a non-owner, and brings a file back for the owner", async () => {
  const { host } = story
  const note = join(host.workspace, NOTE)
  rmSync(note)
  await story.host.say("/sync_restore latest", NOT_OWNER)
  await story.turn('CALL sync_restore {"timestamp":"latest"}', NOT_OWNER)
  assert.match(story.model.requests.at(-1)?.results.join("\n") ?? "", /\/sync_restore /)
  assert.equal(existsSync(note), false, "a non-owner has restored a file")
  await story.command("/sync_restore latest")
  assert.ok(readFileSync(note, "utf8").includes(LINE))

  writeFileSync(note, "overwritten\n")
  const plan = await story.command("/sync_restore latest")
  const confirm = /\/sync_restore latest confirm [\w-]+/.exec(plan)?.[0]
  assert.ok(confirm !== undefined, plan)
  assert.equal(readFileSync(note, "utf8"), "overwritten\n")
  await story.command(confirm)
  assert.ok(readFileSync(note, "utf8").includes(LINE))
})

step("the status tab reads for operators alone, without a script", async () => {
  const url = `http://127.0.0.1:${story.host.port}/plugins/${ID}/status`
  assert.equal((await fetch(url)).status, 401)
  const headers = { authorization: `Bearer ${story.host.token}` }
  const page = await fetch(url, { headers })
  const text = await page.text()
  story.said.push(text)
  assert.equal(page.status, 200)
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/)
  assert.match(text, /Last backup/)
  assert.doesNotMatch(text, /<script/i)
  assert.equal((await fetch(url, { method: "POST", headers })).status, 405)
})

step("secrets are in no answer, log, file of the host or process list", async () => {
  const { host, canaries, said } = story
  const processes = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
  const log = readFileSync(join(folder, "a/gateway.log"), "utf8")
  const hostLog = /log file: (\S+)/.exec(log)?.[1]
  assert.ok(hostLog !== undefined, "the host has no log file")
  const files = globSync("**/*", { cwd: host.stateDir, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const places = new Map([
    ["answers", said.join("\n")],
    ["process list", processes],
    ["gateway.log", log],
    ["the host's log", readFileSync(hostLog, "utf8")],
  ])
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name)
    // a lock's journal may be gone again
    if (!path.includes("node_modules")) places.set(path, readOrNothing(path))
  }
  assert.ok(places.size > 10)
  const found = [...places].filter(([, text]) => canaries.some((canary) => text.includes(canary)))
  assert.deepEqual(
    found.map(([place]) => place),
    [],
  )
})

step("`plugins inspect` and the terminal command work while the gateway is stopped", async () => {
  const { host } = story
  sessions = await sessionsOf(host)
  assert.ok(sessions.length > 0)
  await host.stop()
  const [inspected, said, fresh] = await Promise.all([
    host.must("plugins", "inspect", ID, "--runtime", "--json"),
    host.must(ID, "status", "--json"),
    onboardHost(join(folder, "b"), story.model.port),
  ])
  second = fresh
  for (const name of ["sync_status", "sync_now", "sync_restore"]) assert.ok(inspected.includes(name), name)
  assert.doesNotMatch(inspected, /"level":\s*"error"/)
  assert.equal((JSON.parse(said) as { readonly state: string }).state, "ok")
})

step(
  "a freshly onboarded machine gets memory and sessions back, and the host finds an old line",
  async () => {
    assert.ok(existsSync(join(second.workspace, "BOOTSTRAP.md")), "the host has no templates")
    const where = ["agent", "restore", "latest", "--workspace", second.workspace, "-r", story.repository]
    const words = [...where, "--recovery-words-file", story.wordsFile, "--yes"]
    const shown = await story.holdfastTry(second, ...words)
    const digest = /--accept-config ([0-9a-f]{64})/.exec(shown.out)?.[1]
    assert.ok(digest !== undefined, `${shown.out}\n${shown.err}`)
    assert.equal(existsSync(join(second.workspace, NOTE)), false)
    await story.holdfast(second, ...words, "--accept-config", digest)
    assert.ok(readFileSync(join(second.workspace, NOTE), "utf8").includes(LINE))
    assert.equal(existsSync(join(second.workspace, "BOOTSTRAP.md")), false)
    await second.start()
    try {
      assert.deepEqual(await sessionsOf(second), sessions)
      await second.must("memory", "index", "--force")
      const found = await second.must("memory", "search", "zebra crossing vermilion", "--json")
      assert.match(found, /2026-11-30/)
    } finally {
      await second.stop()
    }
  },
)

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch (error) {
    if (existsSync(path)) throw error
    return ""
  }
}

async function sessionsOf(host: OpenClaw): Promise<string[]> {
  const { sessions } = (await host.call("sessions.list", {})) as {
    readonly sessions: readonly { readonly key: string; readonly sessionId: string }[]
  }
  return sessions.map(({ key, sessionId }) => `${key} ${sessionId}`).toSorted()
}
