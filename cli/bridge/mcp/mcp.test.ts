/** `holdfast mcp` as its clients see it: the built program, spoken to by the protocol's own client. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace } from "../../testing/agent-place.ts"
import { connect, ERAS, PROGRAM } from "../../testing/mcp-client.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"

test("holdfast mcp lists three tools, with titles, schemas and all four hints", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const { client } = await connect(t, place, { era: "legacy" })
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ["sync_status", "sync_now", "sync_restore"],
  )
  for (const { name, title, description, annotations, outputSchema } of tools) {
    assert.ok(title !== undefined && description !== undefined && outputSchema !== undefined, name)
    for (const hint of ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"])
      assert.equal(typeof annotations?.[hint as "readOnlyHint"], "boolean", `${name} ${hint}`)
  }
  const hints = Object.fromEntries(tools.map((tool) => [tool.name, tool.annotations]))
  assert.equal(hints["sync_status"]?.readOnlyHint, true)
  assert.equal(hints["sync_now"]?.destructiveHint, false)
  assert.equal(hints["sync_restore"]?.destructiveHint, true)
  assert.deepEqual((await client.listResourceTemplates()).resourceTemplates, [])
})

test("holdfast mcp lists the extra tools and the contents of snapshots only where they are switched on", async (t) => {
  const place = await agentPlace(t)
  await place.configure({ extra_tools: true })
  const { client } = await connect(t, place, { era: "modern" })
  const { tools } = await client.listTools()
  assert.equal(tools.length, 6)
  const { resourceTemplates } = await client.listResourceTemplates()
  assert.deepEqual(
    resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    ["sessionsync://snapshots/{id}", "sessionsync://snapshots/{id}/files/{+path}"],
  )
})

for (const era of ERAS)
  test(`holdfast mcp backs up and reports it, in the ${era} era`, async (t) => {
    const place = await agentPlace(t)
    await place.configure()
    const { client, call, errors } = await connect(t, place, { era })
    const made = await call("sync_now", { reason: "wrap_up" })
    const now = TOOL_SCHEMAS.sync_now.output.parse(made.structured)
    assert.equal(now["outcome"], "created")
    assert.match(made.text, /^backed up; snapshot [0-9a-f]{8} of 20/)
    const again = await call("sync_now")
    assert.equal(again.structured["outcome"], "unchanged")
    const status = await call("sync_status")
    const reported = TOOL_SCHEMAS.sync_status.output.parse(status.structured)
    assert.equal(reported["state"], "ok")
    assert.match(status.text, /^state: ok; last backup 20.*\(manual, snapshot [0-9a-f]{8}\)/)
    const read = await client.readResource({ uri: "sessionsync://status" })
    const [content] = read.contents
    assert.ok(content !== undefined && "text" in content)
    TOOL_SCHEMAS.sync_status.output.parse(JSON.parse(content.text))
    assert.equal(errors(), "")
  })

test("an argument that the schema refuses is an answer that the model can read", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const { call } = await connect(t, place, { era: "modern" })
  for (const [name, input, what] of [
    ["sync_now", { bogus: 1 }, /bogus/],
    ["sync_now", { label: "x".repeat(201) }, /label/],
    ["sync_restore", {}, /timestamp/],
    ["sync_restore", { timestamp: "9".repeat(100_000) }, /timestamp/],
    ["sync_restore", { timestamp: "latest", mode: "all" }, /mode/],
  ] as const) {
    const answer = await call(name, input)
    assert.equal(answer.isError, true)
    assert.match(answer.text, what)
  }
})

test("without a configuration the server starts, sync_status says so, and other tools say what to type", async (t) => {
  const place = await agentPlace(t)
  const { call } = await connect(t, place, { era: "legacy" })
  const status = await call("sync_status")
  assert.equal(status.structured["state"], "unconfigured")
  for (const [name, input] of [
    ["sync_now", {}],
    ["sync_restore", { timestamp: "latest" }],
  ] as const) {
    const answer = await call(name, input)
    assert.equal(answer.isError, true)
    assert.match(answer.text, /holdfast agent init/)
    assert.equal(answer.code, "unconfigured")
  }
})

test("a configuration that nobody has approved here is needs_approval, with the command", async (t) => {
  const place = await agentPlace(t)
  const config = { provider: "local", repository: place.repository, profile: "openclaw-memory" }
  writeFileSync(join(place.workspace, "session-sync-config.json"), JSON.stringify(config))
  const { call } = await connect(t, place, { era: "modern" })
  const status = await call("sync_status")
  assert.equal(status.structured["state"], "needs_approval")
  const answer = await call("sync_now")
  assert.equal(answer.isError, true)
  assert.match(answer.text, /holdfast agent (trust|init|restore)/)
})

test("sessionsync://log has the newest 200 whole lines, and follows no link", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const { client } = await connect(t, place, { era: "legacy" })
  const read = async (): Promise<string> => {
    const [content] = (await client.readResource({ uri: "sessionsync://log" })).contents
    assert.ok(content !== undefined && "text" in content)
    return content.text
  }
  assert.equal(await read(), "")
  const log = join(place.workspace, "memory", "sync-log.jsonl")
  for (let line = 0; line < 300; line++)
    appendFileSync(log, `{"line":${line},"text":"${"x".repeat(2000)}"}\n`)
  appendFileSync(log, '{"torn":')
  const lines = (await read()).split("\n")
  assert.ok(lines.length > 100 && lines.length <= 201, `${lines.length} lines`)
  assert.match(lines[0] ?? "", /^\{"line":/)
  assert.match(lines.at(-2) ?? "", /^\{"line":299/)
  const other = join(place.folder, "secret")
  writeFileSync(other, "secret\n")
  const linked = await agentPlace(t)
  await linked.configure()
  mkdirSync(join(linked.workspace, "memory"), { recursive: true })
  symlinkSync(other, join(linked.workspace, "memory", "sync-log.jsonl"))
  const second = await connect(t, linked, { era: "legacy" })
  const [content] = (await second.client.readResource({ uri: "sessionsync://log" })).contents
  assert.ok(content !== undefined && "text" in content)
  assert.equal(content.text, "")
})

test("the prompts end a session and bring memory back", async (t) => {
  const place = await agentPlace(t)
  const { client } = await connect(t, place, { era: "modern" })
  const { prompts } = await client.listPrompts()
  assert.deepEqual(
    prompts.map(({ name }) => name),
    ["wrap-up", "recover-memory"],
  )
  const said = async (name: string, input = {}): Promise<string> => {
    const [message] = (await client.getPrompt({ name, arguments: input })).messages
    return message?.content.type === "text" ? message.content.text : ""
  }
  assert.match(await said("wrap-up"), /sync_now with reason "wrap_up"/)
  assert.match(await said("recover-memory", { lost: "MEMORY.md" }), /MEMORY\.md[^]*mode "preview"/)
})

test("standard output has only the protocol, and its end ends the server", async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const child = spawn(process.execPath, [PROGRAM, "mcp", "--workspace", place.workspace, "--verbose"], {
    env: { PATH: process.env["PATH"] ?? "", ...place.environment },
  })
  t.after(() => child.kill("SIGKILL"))
  let out = ""
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
  const send = (message: object): void =>
    void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
  const clientInfo = { name: "test", version: "1" }
  send({
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
  })
  send({ method: "notifications/initialized" })
  send({ id: 2, method: "tools/call", params: { name: "sync_now", arguments: {} } })
  while (!out.includes('"id":2')) await once(child.stdout, "data")
  child.stdin.end()
  const [code] = (await once(child, "close")) as [number]
  assert.equal(code, 0)
  const messages = out.trim().split("\n")
  for (const line of messages) assert.equal((JSON.parse(line) as { jsonrpc: string }).jsonrpc, "2.0")
  assert.equal(messages.length, 2)
})
