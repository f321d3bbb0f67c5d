/** `agent init`, `import`, `trust`, `remove` and `doctor`, by the built program on real files. */
import assert from "node:assert/strict"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { onTerminal } from "../../testing/on-terminal.ts"
import { sandbox, type Outcome, type Sandbox } from "../../testing/run-cli.ts"

const EXAMPLE = readFileSync("fixtures/agent/users-example.jsonc", "utf8")
const CONFIG = "session-sync-config.json"

interface Desk {
  readonly box: Sandbox
  readonly user: string
  readonly workspace: string
  readonly config: () => string
  readonly write: (text: string) => void
  readonly run: (...words: string[]) => Outcome
  readonly must: (...words: string[]) => Outcome
}

/** A user with an OpenClaw workspace. */
function desk(context: TestContext): Desk {
  const box = sandbox(context)
  const user = box.path("user")
  const workspace = join(user, ".openclaw/workspace")
  mkdirSync(join(workspace, "memory"), { recursive: true })
  mkdirSync(join(user, ".openclaw/agents/main/agent"), { recursive: true })
  writeFileSync(join(workspace, "MEMORY.md"), "# Memory\n")
  writeFileSync(join(workspace, "memory/2026-11-01.md"), "a day\n")
  const environment = { HOME: user, HOLDFAST_HOME: box.path("home") }
  const run: Desk["run"] = (...words) => box.runWith(environment, words)
  return {
    box,
    user,
    workspace,
    config: () => readFileSync(join(workspace, CONFIG), "utf8"),
    write: (text) => writeFileSync(join(workspace, CONFIG), text),
    run,
    must(...words) {
      const outcome = run(...words)
      assert.equal(outcome.code, 0, outcome.err)
      return outcome
    },
  }
}

/** Every file of the folders as text, by path. */
function everyByte(...folders: string[]): string {
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), "latin1")] : [],
      ),
    )
    .join("\n")
}

test("agent init --yes protects OpenClaw's workspace with one command, and a second run changes nothing", (context) => {
  const { must, config, user, workspace } = desk(context)
  const first = must("agent", "init", "--yes", "--json").last
  assert.deepEqual(
    [first["profile"], first["agentId"], first["workspace"]],
    ["openclaw-sessions", "main", workspace],
  )
  const sheet = String(first["recoverySheet"])
  assert.ok(sheet.startsWith(user) && !sheet.startsWith(workspace))
  assert.equal(statSync(sheet).mode & 0o777, 0o600)
  const text = config()
  const again = must("agent", "init", "--yes", "--json").last
  assert.deepEqual(
    { ...again, repository: { ...(again["repository"] as object), created: true } },
    { ...first, recoverySheet: null },
  )
  assert.equal(config(), text)
  must("agent", "sync")
  const status = must("agent", "status", "--json").last
  assert.match(JSON.stringify(status["warnings"]), /words-not-confirmed/)
})

test("agent init says what the profile includes, and that format 0 will end", (context) => {
  const { must } = desk(context)
  const { out } = must("agent", "init", "--yes")
  assert.match(out, /including auth profiles \(credentials\)/)
  assert.match(out, /format 0\. It will have to be made again/)
})

test("agent init without --yes needs a terminal, and changes nothing", (context) => {
  const { run, workspace } = desk(context)
  assert.equal(run("agent", "init").code, 2)
  assert.ok(!existsSync(join(workspace, CONFIG)))
})

test("agent init continues after a failure at the repository", (context) => {
  const { run, must, user, workspace } = desk(context)
  const blocked = join(user, "holdfast-backups")
  writeFileSync(blocked, "in the way")
  assert.notEqual(run("agent", "init", "--yes").code, 0)
  assert.equal(run("agent", "status").code, 2)
  rmSync(blocked)
  must("agent", "init", "--yes")
  must("agent", "sync", "--workspace", workspace)
})

test("agent init makes one repository for several agents, each with its own series", (context) => {
  const { must, user } = desk(context)
  const first = must("agent", "init", "--yes", "--json").last
  mkdirSync(join(user, "other"))
  writeFileSync(join(user, "other/a.md"), "a\n")
  const second = must("agent", "init", "--yes", "--json", "--workspace", join(user, "other")).last
  const idOf = (result: typeof first): unknown => (result["repository"] as { id: string }).id
  assert.equal(idOf(second), idOf(first))
  assert.match(String(second["series"]), /^custom\/main\/[0-9a-f]{16}$/)
  assert.notEqual(second["workspaceId"], first["workspaceId"])
  assert.equal(second["recoverySheet"], null)
})

test("agent init refuses the workspace_id of another workspace, unless that one has moved", (context) => {
  const { must, run, workspace, box } = desk(context)
  must("agent", "init", "--yes")
  const copy = box.path("copy")
  cpSync(workspace, copy, { recursive: true })
  const { code, err } = run("agent", "init", "--yes", "--workspace", copy)
  assert.equal(code, 1)
  assert.match(err, /would share one series/)
  rmSync(workspace, { recursive: true })
  must("agent", "init", "--yes", "--workspace", copy)
})

test("agent init --role writer connects a second device that can't remove anything, and needs a repository", (context) => {
  const { box, run, must, user } = desk(context)
  assert.match(run("agent", "init", "--yes", "--role", "writer").err, /has no repository yet/)
  const { workspaceId } = must("agent", "init", "--yes", "--json", "-r", box.path("store")).last
  const key = box.path("home", "secrets", `${String(workspaceId)}.encryption-key`)
  mkdirSync(join(user, "second"))
  const environment = { HOME: user, HOLDFAST_HOME: box.path("second home") }
  const at = ["--yes", "--workspace", join(user, "second"), "-r", box.path("store")]
  assert.equal(box.runWith(environment, ["agent", "init", ...at]).code, 12)
  const second = box.runWith(environment, ["agent", "init", "--role", "writer", "--key-file", key, ...at])
  assert.equal(second.code, 0, second.err)
  const devices = must("device", "list", "--json", "-r", box.path("store")).lines
  assert.deepEqual(devices.map(({ role }) => String(role)).toSorted(), ["full", "writer"])
})

test("agent init refuses a repository inside the workspace, also through a link", (context) => {
  const { run, workspace, user } = desk(context)
  symlinkSync(workspace, join(user, "link"))
  for (const place of [join(workspace, "backups"), join(user, "link/backups"), join(user, ".openclaw/b")]) {
    const { code, err } = run("agent", "init", "--yes", "-r", place)
    assert.equal(code, 1)
    assert.match(err, /inside .*\.openclaw/)
  }
})

test("agent init refuses a sheet inside the workspace, and flags that contradict the file", (context) => {
  const { run, must, workspace } = desk(context)
  assert.match(run("agent", "init", "--yes", "--recovery-sheet", join(workspace, "sheet")).err, /is inside/)
  assert.ok(!existsSync(join(workspace, "sheet")))
  must("agent", "init", "--yes")
  assert.match(run("agent", "init", "--yes", "-r", "/elsewhere").err, /exists and has another repository/)
})

test("agent init --yes approves what it finds, and never a later change", (context) => {
  const { run, must, write, config, box } = desk(context)
  write(`{ "provider": "local", "repository": ${JSON.stringify(box.path("store"))} } // mine\n`)
  must("agent", "init", "--yes")
  assert.match(config(), /"workspace_id": "[0-9a-f]{16}"[\s\S]*\/\/ mine/)
  const approved = config()
  for (const place of ["evil", "evil (already in force)"]) {
    write(approved.replace(box.path("store"), box.path(place)))
    const { code, err } = run("agent", "init", "--yes")
    assert.equal(code, 1)
    assert.match(err, /agent trust/)
    assert.ok(!existsSync(box.path(place)))
  }
  assert.equal(must("agent", "trust", "--show", "--json").last["state"], "changed")
  must("agent", "sync")
  assert.ok(!existsSync(box.path("evil")))
})

test("agent trust is not answered by a flag or a pipe, and is by a person at a terminal", async (context) => {
  const { box, run, must, write, config, user } = desk(context)
  must("agent", "init", "--yes")
  write(config().replace('"retention_days": 30', '"retention_days": 7'))
  assert.equal(run("agent", "trust", "--yes").code, 2)
  assert.equal(run("agent", "trust").code, 2)
  const on = async (typed: string): Promise<number> => {
    const answers = [{ question: "Approve this?", typed }]
    const environment = { HOME: user, HOLDFAST_HOME: box.path("home") }
    const seen = await onTerminal(box, "home", ["agent", "trust"], { answers, environment })
    assert.match(seen.screen, /retention_days: 30 → 7/)
    return seen.code
  }
  assert.equal(await on("\n"), 1)
  assert.equal(must("agent", "trust", "--show", "--json").last["state"], "changed")
  assert.equal(await on("y\n"), 0)
  assert.equal(must("agent", "trust", "--show", "--json").last["state"], "approved")
})

test("agent import moves the secrets of the user's example, keeps its comments, and sets the workspace up", (context) => {
  const { must, run, write, config, box, workspace, user } = desk(context)
  const local = EXAMPLE.replace('"provider": "s3"', '"provider": "local"')
    .replace(
      / {2}"endpoint".*\n {2}"bucket".*\n/,
      `  "repository": ${JSON.stringify(box.path("store"))}, // a folder\n`,
    )
    .replace(/ {2}"region".*\n {2}"path_prefix".*\n/, "")
  write(local)
  chmodSync(join(workspace, CONFIG), 0o640)
  const refused = run("agent", "init", "--yes")
  assert.equal(refused.code, 2)
  assert.match(refused.err, /agent import/)
  const { out, err } = must("agent", "import", "--yes")
  assert.match(err, /Make a new one at your provider/)
  const secrets = /EXAMPLE-KEY-ID|EXAMPLE-SECRET-KEY|RVhBTVBMRS1/
  for (const text of [out, err, config()]) assert.doesNotMatch(text, secrets)
  assert.match(config(), /"secret_key": "file:[^"]+", \/\/ keep it secret/)
  assert.match(config(), /"interval_minutes": 15, \/\/ how often/)
  assert.match(config(), /"encryption_key": "file:[^"]+", \/\/ 32 bytes/)
  assert.equal(statSync(join(workspace, CONFIG)).mode & 0o777, 0o640)
  for (const name of readdirSync(box.path("home", "secrets")))
    assert.equal(statSync(box.path("home", "secrets", name)).mode & 0o777, 0o600)
  must("agent", "sync")
  must("agent", "doctor")
  assert.doesNotMatch(everyByte(workspace, box.path("store"), box.path("home", "agents")), secrets)
  // the key of the example opens the repository
  const key = join(user, "key")
  writeFileSync(key, "RVhBTVBMRS1LRVktT0YtMzItQllURVMtRk9SLVRFU1Q=\n", { mode: 0o600 })
  const elsewhere = box.runWith({ HOLDFAST_HOME: box.path("new") }, [
    "snapshots",
    "-r",
    box.path("store"),
    "--key-file",
    key,
  ])
  assert.equal(elsewhere.code, 0, elsewhere.err)
})

test("agent import never replaces a secret that is in force by one that the agent has written", (context) => {
  const { must, run, write, config, box } = desk(context)
  must("agent", "init", "--yes")
  const folder = box.path("home", "secrets")
  const [name = ""] = readdirSync(folder)
  const key = readFileSync(join(folder, name), "utf8")
  const own = "RVhBTVBMRS1LRVktT0YtMzItQllURVMtRk9SLVRFU1Q="
  write(config().replace('"retention_days": 30', `"retention_days": 30, "encryption_key": "${own}"`))
  assert.match(run("agent", "import", "--yes").err, /agent trust/)
  assert.equal(readFileSync(join(folder, name), "utf8"), key)
  assert.equal(readFileSync(join(folder, `${name}-2`), "utf8"), `${own}\n`)
  assert.match(config(), /"encryption_key": "file:[^"]+-2"/)
  must("agent", "sync")
})

test("agent import refuses a key that is not 32 bytes before it moves anything", (context) => {
  const { run, write, config, box } = desk(context)
  const text = EXAMPLE.replace(/"encryption_key": "[^"]+"/, '"encryption_key": "too-short-to-be-a-key"')
  write(text)
  const { code, err } = run("agent", "import", "--yes")
  assert.equal(code, 1)
  assert.match(err, /expected 32 bytes in base64/)
  assert.doesNotMatch(err, /too-short/)
  assert.equal(config(), text)
  assert.ok(!existsSync(box.path("home", "secrets")))
})

test("agent sync leaves out keys, the environment's files and our own log", (context) => {
  const { must, workspace, box } = desk(context)
  const place = (name: string): void => {
    const path = join(workspace, name)
    mkdirSync(join(path, ".."), { recursive: true })
    writeFileSync(path, `content of ${name}\n`)
  }
  const kept = [
    "MEMORY.md",
    "memory/2026-11-01.md",
    "memory/sync-meeting.md",
    "memory/sync-log-of-mine.jsonl",
  ]
  const left = [
    ".env",
    "memory/.env.local",
    "memory/server.key",
    "memory/cert.pem",
    "memory/prod.env",
    "memory/SERVER.KEY",
    "memory/Cert.PEM",
    "memory/.aws/credentials.md",
    "memory/id_rsa.bak",
    "memory/id_rsa",
    "memory/auth.json",
    "memory/.credentials.json",
    "memory/oauth_creds.json",
    "memory/sync-log.jsonl",
    "memory/sync-log.3.jsonl",
    "memory/sync-dashboard.html",
    "memory/node_modules/a.js",
    "memory/.git/config",
    "elsewhere/a.md",
  ]
  for (const name of [...kept, ...left]) place(name)
  writeFileSync(join(workspace, "skills.md"), "at the top\n")
  must("agent", "init", "--yes", "--profile", "openclaw-memory", "-r", box.path("store"))
  must("agent", "sync")
  const listed = must("ls", "latest", "-r", box.path("store")).out
  for (const name of [...kept, CONFIG, "skills.md"]) assert.ok(listed.includes(`workspace/${name}`), name)
  for (const name of left) assert.ok(!listed.includes(name), name)
})

test("agent remove ends the protection, and leaves the repository and the files", (context) => {
  const { run, must, box, workspace } = desk(context)
  must("agent", "init", "--yes", "-r", box.path("store"))
  must("agent", "sync")
  assert.equal(run("agent", "remove").code, 2)
  must("agent", "remove", "--yes")
  assert.equal(run("agent", "status").code, 2)
  assert.ok(existsSync(join(workspace, CONFIG)))
  must("snapshots", "-r", box.path("store"))
  must("agent", "init", "--yes")
  assert.equal((must("agent", "status", "--json").last["recent"] as unknown[]).length, 1)
})

test("agent init --confirm-words accepts only words that open the repository, shows none, and ends the warning", async (context) => {
  const { box, run, must, user } = desk(context)
  const sheet = String(must("agent", "init", "--yes", "--json").last["recoverySheet"])
  const words = [...readFileSync(sheet, "utf8").matchAll(/(\d+)\. ([a-z]+)/g)].map(([, , word = ""]) => word)
  const environment = { HOME: user, HOLDFAST_HOME: box.path("home") }
  rmSync(sheet)
  const wrong = await onTerminal(box, "home", ["agent", "init", "--confirm-words"], {
    answers: [{ question: "All 24 recovery words:", typed: `${words.toReversed().join(" ")}\n` }],
    environment,
  })
  assert.equal(wrong.code, 1, wrong.screen)
  const right = await onTerminal(box, "home", ["agent", "init", "--confirm-words"], {
    answers: [{ question: "All 24 recovery words:", typed: `${words.join(" ")}\n` }],
    environment,
  })
  assert.equal(right.code, 0, right.screen)
  assert.doesNotMatch(right.screen, new RegExp(words[3] ?? "x"))
  const { out } = run("agent", "status", "--json")
  assert.match(out, /"state"/)
  assert.doesNotMatch(out, /words-not-confirmed/)
})
