/**
 * The real hosts install the folders of `holdfast agent plugin`, and start the server from them. None has an account:
 * Claude Code and Gemini CLI connect to it when they list servers, Codex when its app server is asked for their tools.
 */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { test, type TestContext } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { npmProgram } from "../../testing/npm-program.ts"

const PROGRAM = resolve("dist/cli/main.js")

const HOSTS = {
  claude: { name: "@anthropic-ai/claude-code@2.1.332", file: "cli-wrapper.cjs" },
  codex: { name: "@openai/codex@0.171.0", file: "bin/codex.js" },
  gemini: { name: "@google/gemini-cli@0.61.0", file: "bundle/gemini.js" },
} as const

interface Host {
  readonly place: AgentPlace
  /** The plugin's folder. */
  readonly folder: string
  readonly program: string
  /** Of the host: a home of its own, and nothing of ours. */
  readonly environment: Readonly<Record<string, string>>
  /** Fails unless the exit code is 0. @returns both outputs */
  readonly run: (words: readonly string[], input?: string) => string
}

async function hostOf(t: TestContext, kind: keyof typeof HOSTS): Promise<Host> {
  const { name, file } = HOSTS[kind]
  const program = npmProgram(name, file)
  const place = await agentPlace(t)
  await place.configure()
  const [folder, home] = [join(place.folder, "plugin"), join(place.folder, "user")]
  mkdirSync(home)
  const words = ["agent", "plugin", kind, folder, "--workspace", place.workspace]
  const written = spawnSync(process.execPath, [PROGRAM, ...words], { env: { ...place.environment } })
  assert.equal(written.status, 0, String(written.stderr))
  const environment = { PATH: process.env["PATH"] ?? "", HOME: home, TERM: "xterm" }
  const run: Host["run"] = (hostWords, input = "") => {
    const done = spawnSync(process.execPath, [program, ...hostWords], {
      cwd: home,
      env: environment,
      input,
      encoding: "utf8",
      timeout: 120_000,
    })
    assert.equal(done.status, 0, `${hostWords.join(" ")}: ${done.stdout}${done.stderr}`)
    return `${done.stdout}${done.stderr}`
  }
  return { place, folder, program, environment, run }
}

test("Claude Code validates and installs the plugin, and connects to its server", async (t) => {
  const { folder, run } = await hostOf(t, "claude")
  assert.match(run(["plugin", "validate", folder]), /Validation passed/)
  run(["plugin", "marketplace", "add", folder])
  run(["plugin", "install", "session-sync-cloud@holdfast"])
  assert.match(run(["plugin", "list"]), /session-sync-cloud@holdfast[^]*enabled/)
  const listed = run(["mcp", "list"])
  assert.match(listed, /plugin:session-sync-cloud:holdfast: .*main\.js mcp .*✔ Connected/)
})

test("Codex installs the plugin, lists its server, and gets the three tools from it", async (t) => {
  const { folder, place, program, environment, run } = await hostOf(t, "codex")
  run(["plugin", "marketplace", "add", folder])
  run(["plugin", "add", "session-sync-cloud@holdfast"])
  assert.match(run(["plugin", "list"]), /session-sync-cloud@holdfast\s+installed, enabled/)
  assert.match(run(["mcp", "list"]), /holdfast\s.*main\.js mcp --workspace .*enabled/)
  const server = spawn(process.execPath, [program, "app-server"], {
    cwd: place.folder,
    env: environment,
    stdio: ["pipe", "pipe", "ignore"],
  })
  t.after(async () => {
    server.stdin.end()
    if (server.exitCode === null) await once(server, "exit")
  })
  const send = (message: object): void => void server.stdin.write(`${JSON.stringify(message)}\n`)
  const lines = createInterface({ input: server.stdout })
  const answer = async (id: number): Promise<unknown> => {
    for (;;) {
      const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(60_000) })) as [string]
      const message = JSON.parse(line) as { id?: number; result?: unknown }
      if (message.id === id) return message.result
    }
  }
  send({ id: 1, method: "initialize", params: { clientInfo: { name: "test", title: "test", version: "1" } } })
  await answer(1)
  send({ method: "initialized" })
  send({ id: 2, method: "mcpServerStatus/list", params: {} })
  const { data } = (await answer(2)) as {
    data: { name: string; serverInfo: { name: string }; tools: Record<string, object> }[]
  }
  assert.deepEqual(
    data.map(({ name, serverInfo, tools }) => ({
      name,
      from: serverInfo.name,
      tools: Object.keys(tools).toSorted(),
    })),
    [{ name: "holdfast", from: "holdfast", tools: ["sync_now", "sync_restore", "sync_status"] }],
  )
})

test("Gemini CLI validates and installs the extension, connects to its server, and has the skill", async (t) => {
  const { folder, run } = await hostOf(t, "gemini")
  assert.match(run(["extensions", "validate", folder]), /successfully validated/)
  // it asks whether the folder is trusted
  assert.match(run(["extensions", "install", folder, "--consent"], "y\n"), /installed successfully/)
  assert.match(run(["mcp", "list"]), /✓ holdfast \(from session-sync-cloud\): .*main\.js mcp .*Connected/)
  assert.match(run(["skills", "list"]), /session-sync-cloud \[Enabled\]/)
})
