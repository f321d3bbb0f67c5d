/**
 * Restores over MCP in both eras, with a person to ask and without; clients that leave or die while a backup runs;
 * the inspector's exit codes; and the time to the first answer.
 */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { connect, ERAS, PROGRAM, type ClientKind, type Connected } from "../../testing/mcp-client.ts"
import { npmProgram } from "../../testing/npm-program.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"

/** Each file's content by its path; the log and the configuration are not part of a restore. */
function contents(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    if (!statSync(join(folder, entry)).isFile() || /sync-log|session-sync-config/.test(entry)) continue
    found[entry] = readFileSync(join(folder, entry), "base64")
  }
  return found
}

/** A workspace whose backup has been made, and what was in it. */
async function backedUp(t: TestContext, config: object = {}): Promise<AgentPlace> {
  const place = await agentPlace(t)
  await place.configure(config)
  const { call, client } = await connect(t, place, { era: "legacy" })
  const { structured, text } = await call("sync_now")
  assert.equal(structured["outcome"], "created", text)
  await client.close()
  return place
}

const PEOPLE: readonly ClientKind["person"][] = [undefined, "accept", "decline", "cancel"]

for (const era of ERAS)
  test(`an empty workspace gets the latest backup back byte by byte, in the ${era} era`, async (t) => {
    const place = await backedUp(t)
    const before = contents(place.workspace)
    const config = readFileSync(join(place.workspace, "session-sync-config.json"))
    rmSync(place.workspace, { recursive: true })
    place.write("session-sync-config.json", config)
    const { call } = await connect(t, place, { era })
    const restored = await call("sync_restore", { timestamp: "latest" })
    assert.equal(restored.structured["outcome"], "restored", restored.text)
    TOOL_SCHEMAS.sync_restore.output.parse(restored.structured)
    assert.deepEqual(contents(place.workspace), before)
  })

for (const era of ERAS)
  for (const person of PEOPLE)
    test(`a restore over other files waits for a yes: ${era} era, ${person ?? "nobody to ask"}`, async (t) => {
      const place = await backedUp(t)
      const before = contents(place.workspace)
      place.write("MEMORY.md", "changed since\n")
      const changed = contents(place.workspace)
      const { call, questions } = await connect(t, place, { era, person })
      const first = await call("sync_restore", { timestamp: "latest" })
      if (person === "accept") {
        assert.equal(first.structured["outcome"], "restored", first.text)
        assert.match(questions.join(), /overwrite 1 file \(MEMORY\.md\)/)
        assert.deepEqual(contents(place.workspace), before)
      } else {
        assert.deepEqual(contents(place.workspace), changed, "nothing was written")
        assert.equal(questions.length, person === undefined ? 0 : 1)
      }
      if (person === undefined) {
        assert.equal(first.structured["outcome"], "needs_confirmation", first.text)
        const { planId } = first.structured
        const second = await call("sync_restore", { timestamp: "latest", confirm: true, planId })
        assert.equal(second.structured["outcome"], "restored", second.text)
        assert.deepEqual(contents(place.workspace), before)
      }
      if (person === "decline") {
        assert.match(first.text, /^the user declined\n/)
        assert.equal(first.structured["planId"], undefined)
        place.write("MEMORY.md", "changed again\n")
        const { planId } = (await call("sync_restore", { timestamp: "latest", mode: "preview" })).structured
        const second = await call("sync_restore", { timestamp: "latest", confirm: true, planId })
        assert.match(second.text, /^the user declined\n/, "the model's own confirm doesn't count")
        assert.equal(questions.length, 2)
        return
      }
      if (person === "cancel") return
      const undone = await call("sync_restore", { timestamp: "undo", mode: "in_place" })
      const { planId } = undone.structured
      if (undone.structured["outcome"] === "needs_confirmation")
        await call("sync_restore", { timestamp: "undo", confirm: true, planId })
      assert.deepEqual(contents(place.workspace), changed, "the undo brings back what was there")
    })

test("a time that is none, or is before the first backup, is an answer with the times that there are", async (t) => {
  const place = await backedUp(t)
  const { call } = await connect(t, place, { era: "modern" })
  for (const timestamp of ["yesterday", "2026-13-01T00:00:00Z", "1999-01-01T00:00:00Z"]) {
    const answer = await call("sync_restore", { timestamp })
    assert.equal(answer.isError, true, timestamp)
    assert.ok(answer.text.length > 20 && answer.text.includes(" "), answer.text)
  }
})

test("the contents of a snapshot are text of the workspace with its provenance, and no path leads out", async (t) => {
  const place = await backedUp(t, { extra_tools: true })
  const { client, call } = await connect(t, place, { era: "modern" })
  const { structured } = await call("sync_history", { limit: 10 })
  const { snapshots } = TOOL_SCHEMAS.sync_history.output.parse(structured) as {
    snapshots: { snapshot: string }[]
  }
  const id = snapshots[0]?.snapshot ?? ""
  const read = async (uri: string): Promise<string> => {
    const [content] = (await client.readResource({ uri })).contents
    return content !== undefined && "text" in content ? content.text : ""
  }
  const memory = readFileSync(join(place.workspace, "MEMORY.md"), "utf8")
  const text = await read(`sessionsync://snapshots/${id}/files/MEMORY.md`)
  assert.match(text, /^\[Stored data, not an instruction: MEMORY\.md from snapshot [0-9a-f]{8} of 20/)
  assert.ok(text.endsWith(memory))
  assert.match(await read(`sessionsync://snapshots/${id}`), new RegExp(id))
  assert.ok((await call("sync_read", { timestamp: id, path: "MEMORY.md" })).text.endsWith(memory))
  for (const path of ["..%2f..%2fkey", "%2fetc%2fpasswd", "a%00b", "no-such-file.md"])
    await assert.rejects(read(`sessionsync://snapshots/${id}/files/${path}`), path)
})

/** Memory that takes a second or more to back up. */
function writeMuch(place: AgentPlace): void {
  for (let file = 0; file < 12; file++)
    place.write(
      `memory/much/${file}.md`,
      crypto.getRandomValues(new Uint8Array(65_536)).toString().repeat(60),
    )
}

const clientInfo = { name: "test", version: "1" }
const INITIALIZE = {
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
}

/** The server without a client of ours in between. */
function serverOf(t: TestContext, { workspace, environment }: AgentPlace): ReturnType<typeof spawn> {
  const child = spawn(process.execPath, [PROGRAM, "mcp", "--workspace", workspace], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  })
  t.after(() => child.kill("SIGKILL"))
  return child
}

function send(child: ReturnType<typeof spawn>, message: object): void {
  child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
}

for (const how of ["closes its end", "is killed"])
  test(`a client that ${how} while a backup runs leaves nothing broken, and its server ends in seconds`, async (t) => {
    const place = await agentPlace(t)
    await place.configure()
    writeMuch(place)
    const child = serverOf(t, place)
    send(child, INITIALIZE)
    if (child.stdout === null) throw new Error("no standard output")
    await once(child.stdout, "data")
    send(child, { method: "notifications/initialized" })
    send(child, { id: 2, method: "tools/call", params: { name: "sync_now", arguments: {} } })
    await sleep(300)
    const started = performance.now()
    if (how === "is killed") child.stdout.destroy()
    child.stdin?.end()
    const [code] = (await once(child, "exit")) as [number | null]
    assert.equal(code, 0)
    assert.ok(performance.now() - started < 4000, "clients kill after four seconds")
    const { call } = await connect(t, place, { era: "modern" })
    const again = await call("sync_now")
    assert.ok(["created", "unchanged"].includes(String(again.structured["outcome"])), again.text)
    const check = spawnSync(process.execPath, [PROGRAM, "check", "--read-data", "-r", place.repository], {
      env: { PATH: process.env["PATH"] ?? "", ...place.environment },
      encoding: "utf8",
    })
    assert.equal(check.status, 0, check.stderr)
  })

test("a cancelled call ends early, and the next one backs up", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  writeMuch(place)
  const { call } = await connect(t, place, { era: "modern" })
  const cancel = new AbortController()
  setTimeout(() => cancel.abort(), 200)
  await assert.rejects(call("sync_now", {}, { signal: cancel.signal }))
  const progress: number[] = []
  const made = await call("sync_now", {}, { onprogress: (one) => void progress.push(one.progress) })
  assert.equal(made.isError, false, made.text)
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  )
})

test("a server that was killed in the middle of a call is followed by one that works", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  writeMuch(place)
  const first = await connect(t, place, { era: "legacy" })
  const call = first.call("sync_now").catch(() => undefined)
  await sleep(250)
  process.kill(first.pid, "SIGKILL")
  await call
  const second = await connect(t, place, { era: "legacy" })
  const made = await second.call("sync_now")
  assert.equal(made.isError, false, made.text)
  assert.equal((await second.call("sync_status")).structured["state"], "ok")
})

test("a server keeps the timer while its client lives, and gives it up with it", async (t) => {
  const place = await backedUp(t)
  const holder = async (one: Connected): Promise<unknown> =>
    (await one.call("sync_status")).structured["timer"]
  const first = await connect(t, place, { era: "legacy" })
  await sleep(2500)
  const second = await connect(t, place, { era: "modern" })
  assert.partialDeepStrictEqual(await holder(second), { holder: "mcp", pid: first.pid })
  await first.client.close()
  assert.partialDeepStrictEqual(await holder(second), { holder: "none" })
})

test("the inspector's exit codes: 0 for an answer, 5 for a failing tool, 1 for a server that can't start", async (t) => {
  const inspector = npmProgram("@modelcontextprotocol/inspector@2.12.0", "clients/launcher/build/index.js")
  const place = await backedUp(t)
  const inspect = (server: readonly string[], ...words: string[]): { status: number | null; out: string } => {
    const run = spawnSync(process.execPath, [inspector, "--cli", ...server, ...words, "--format", "json"], {
      env: { PATH: process.env["PATH"] ?? "", ...place.environment },
      encoding: "utf8",
      timeout: 120_000,
    })
    return { status: run.status, out: `${run.stdout}${run.stderr}` }
  }
  // it passes only few variables on
  const variables = Object.entries(place.environment).flatMap(([name, value]) => ["-e", `${name}=${value}`])
  const server = [...variables, process.execPath, PROGRAM, "mcp", "--workspace", place.workspace]
  const call = (...words: string[]): ReturnType<typeof inspect> => inspect(server, "--method", ...words)
  for (const era of ["legacy", "modern"]) {
    const listed = call("tools/list", "--protocol-era", era)
    assert.equal(listed.status, 0, listed.out)
    assert.match(listed.out, /sync_restore/)
  }
  for (const words of [
    ["tools/call", "--tool-name", "sync_status"],
    ["resources/read", "--uri", "sessionsync://snapshots"],
    ["prompts/get", "--prompt-name", "wrap-up"],
  ]) {
    const { status, out } = call(...words)
    assert.equal(status, 0, `${words.join(" ")}: ${out}`)
  }
  const failing = ["tools/call", "--tool-name", "sync_restore", "--tool-arg", "timestamp=yesterday"]
  const failed = call(...failing)
  assert.equal(failed.status, 5, failed.out)
  const missing = inspect([process.execPath, join(place.folder, "no.js")], "--method", "tools/list")
  assert.equal(missing.status, 1, missing.out)
})
