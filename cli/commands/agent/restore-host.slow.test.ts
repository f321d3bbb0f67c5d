/**
 * A second machine with a freshly onboarded OpenClaw: memory and sessions come back by one command, with the gateway
 * stopped. The real host on both sides.
 */
import assert from "node:assert/strict"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { installHost, onboardHost, runProgram, type OpenClaw, type Ran } from "../../bridge/openclaw/host.ts"
import { startFakeModel } from "../../bridge/openclaw/fake-model.ts"

const PROGRAM = resolve("dist/cli/main.js")
const LINE = "The harbour master keeps a blue heron named Quillfeather."

async function holdfast(host: OpenClaw, ...words: string[]): Promise<Ran> {
  return await runProgram(process.execPath, [PROGRAM, ...words, "--workspace", host.workspace], {
    env: { ...host.environment, PATH: `${join(host.workspace, "../bin")}:${host.environment["PATH"] ?? ""}` },
    cwd: host.workspace,
  })
}

async function must(host: OpenClaw, ...words: string[]): Promise<string> {
  const { code, out, err } = await holdfast(host, ...words)
  assert.equal(code, 0, `${words.join(" ")}: ${err}`)
  return out
}

/** Keys of the sessions that the gateway lists. */
async function sessionsOf(host: OpenClaw): Promise<string[]> {
  const listed = (await host.call("sessions.list", {})) as {
    sessions?: readonly { key: string; sessionId?: string }[]
  }
  return (listed.sessions ?? []).map(({ key, sessionId }) => `${key} ${sessionId ?? ""}`).toSorted()
}

async function machine(folder: string, modelPort: number, started: OpenClaw[]): Promise<OpenClaw> {
  const host = await onboardHost(folder, modelPort)
  // as npm installs it: the templates are found from the executable
  mkdirSync(join(folder, "bin"))
  symlinkSync(join(await installHost(), "node_modules/openclaw/openclaw.mjs"), join(folder, "bin/openclaw"))
  started.push(host)
  return host
}

test("agent restore brings memory and sessions to a freshly onboarded host", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-host-"))
  const started: OpenClaw[] = []
  t.after(async () => {
    for (const host of started) await host.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const model = await startFakeModel()
  t.after(() => model.stop())
  const first = await machine(join(folder, "first"), model.port, started)
  rmSync(join(first.workspace, "BOOTSTRAP.md"), { force: true })
  writeFileSync(join(first.workspace, "MEMORY.md"), `# Memory\n\n${LINE}\n`)
  const repository = join(folder, "repository")
  const words = join(folder, "words")
  await must(first, "agent", "init", "--yes", "-r", repository, "--recovery-words-file", words)
  await first.start()
  await first.say("hello, remember the harbour")
  await new Promise((done) => setTimeout(done, 5000))
  const sessions = await sessionsOf(first)
  assert.ok(sessions.length > 0)
  await must(first, "agent", "sync")
  await first.stop()

  const second = await machine(join(folder, "second"), model.port, started)
  assert.ok(existsSync(join(second.workspace, "BOOTSTRAP.md")))
  const restore = ["agent", "restore", "latest", "-r", repository, "--recovery-words-file", words, "--yes"]
  const asked = await holdfast(second, ...restore, "--json")
  assert.equal(asked.code, 2, asked.err)
  const { config } = JSON.parse(asked.out.split("\n")[0] ?? "") as { config: { sha256: string } }
  await second.start()
  const running = await holdfast(second, ...restore, "--accept-config", config.sha256)
  assert.equal(running.code, 1, running.out)
  assert.match(running.err, /openclaw gateway stop/)
  await second.stop()
  t.diagnostic(await must(second, "agent", "restore", "latest", "--yes"))
  assert.ok(readFileSync(join(second.workspace, "MEMORY.md"), "utf8").includes(LINE))
  assert.ok(!existsSync(join(second.workspace, "BOOTSTRAP.md")), "BOOTSTRAP.md of the template is gone")
  await second.start()
  assert.deepEqual(await sessionsOf(second), sessions)
  t.diagnostic(await second.must("memory", "index", "--force"))
  const found = await second.must("memory", "search", "Quillfeather")
  assert.match(found, /Quillfeather/)
})
