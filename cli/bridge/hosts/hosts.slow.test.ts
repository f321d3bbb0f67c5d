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
import type { SyncStatus } from "../results.ts"
import { fakeAnthropic } from "./fake-anthropic.ts"

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
  const written = spawnSync(process.execPath, [PROGRAM, ...words], {
    env: { TMPDIR: home, ...place.environment },
  })
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

test("Claude Code shows a model the three tools, backs up when it calls one, and at the session's end", async (t) => {
  const { folder, place, program, environment, run } = await hostOf(t, "claude")
  run(["plugin", "marketplace", "add", folder])
  run(["plugin", "install", "session-sync-cloud@holdfast"])
  const model = await fakeAnthropic("__sync_now", { reason: "wrap_up" })
  t.after(() => model.close())
  const prefix = "mcp__plugin_session-sync-cloud_holdfast__"
  const child = spawn(process.execPath, [program, "-p", "back up", "--allowedTools", `${prefix}sync_now`], {
    cwd: place.folder,
    env: {
      ...environment,
      ANTHROPIC_API_KEY: "not-a-secret-only-this-test",
      ANTHROPIC_BASE_URL: model.url,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => (said += part.toString()))
  const [code] = (await once(child, "close", { signal: AbortSignal.timeout(120_000) })) as [number]
  assert.equal(code, 0, said)
  assert.deepEqual(
    model.tools.filter((name) => name.startsWith(prefix)),
    ["sync_now", "sync_restore", "sync_status"].map((name) => `${prefix}${name}`),
  )
  assert.match(model.results.join(), /backed up; snapshot [0-9a-f]{8}|\\"outcome\\":\\"created\\"/)
  const status = spawnSync(
    process.execPath,
    [PROGRAM, "agent", "status", "--json", "--workspace", place.workspace],
    {
      env: { ...place.environment },
      encoding: "utf8",
    },
  )
  const { recent, lastAttempt } = JSON.parse(status.stdout) as SyncStatus
  assert.deepEqual(
    recent.map(({ trigger }) => trigger),
    ["wrap_up"],
  )
  assert.partialDeepStrictEqual(lastAttempt, { trigger: "session_end", outcome: "unchanged" })
})

test("Codex installs the plugin, lists its server, gets the three tools from it, and backs up with one", async (t) => {
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
  const lines = createInterface({ input: server.stdout })
  let id = 0
  const ask = async (method: string, params: object): Promise<unknown> => {
    const mine = ++id
    server.stdin.write(`${JSON.stringify({ id: mine, method, params })}\n`)
    for (;;) {
      const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(60_000) })) as [string]
      const message = JSON.parse(line) as { id?: number; result?: unknown }
      if (message.id !== mine) continue
      assert.ok(message.result !== undefined, line)
      return message.result
    }
  }
  const clientInfo = { name: "test", title: "test", version: "1" }
  await ask("initialize", { clientInfo, capabilities: { experimentalApi: true } })
  server.stdin.write('{"method":"initialized"}\n')
  const { data } = (await ask("mcpServerStatus/list", {})) as {
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
  const { thread } = (await ask("thread/start", { cwd: place.folder })) as { thread: { id: string } }
  const call = { threadId: thread.id, server: "holdfast", tool: "sync_now", arguments: { reason: "wrap_up" } }
  const { structuredContent } = (await ask("mcpServer/tool/call", call)) as { structuredContent: object }
  assert.partialDeepStrictEqual(structuredContent, { v: 1, outcome: "created" })
})

test("Gemini CLI validates and installs the extension, connects to its server, and has the skill", async (t) => {
  const { folder, run } = await hostOf(t, "gemini")
  assert.match(run(["extensions", "validate", folder]), /successfully validated/)
  // it asks whether the folder is trusted
  assert.match(run(["extensions", "install", folder, "--consent"], "y\n"), /installed successfully/)
  assert.match(run(["mcp", "list"]), /✓ holdfast \(from session-sync-cloud\): .*main\.js mcp .*Connected/)
  assert.match(run(["skills", "list"]), /session-sync-cloud \[Enabled\]/)
})
