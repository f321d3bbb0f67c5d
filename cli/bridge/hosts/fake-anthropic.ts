/**
 * A model's server for the tests of Claude Code: it answers the first turn with a call of one tool, and each later one
 * with a word. It keeps which tools the model was shown and what came back. Tests only.
 */
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface FakeAnthropic {
  readonly url: string
  /** Names of the tools in the first request with any. */
  readonly tools: readonly string[]
  /** What the host sent back for the call. */
  readonly results: readonly string[]
  close(): void
}

interface Asked {
  readonly model: string
  readonly tools?: readonly { readonly name: string }[]
  readonly messages: readonly { readonly content: string | readonly { readonly type: string }[] }[]
}

/** @param tool the end of the tool's name; hosts put their own words before it */
export async function fakeAnthropic(tool: string, input: object): Promise<FakeAnthropic> {
  const tools: string[] = []
  const results: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const asked = JSON.parse(Buffer.concat(parts).toString() || "{}") as Partial<Asked>
      const { model = "", messages = [] } = asked
      if (tools.length === 0) tools.push(...(asked.tools ?? []).map(({ name }) => name))
      const last = messages.at(-1)?.content ?? ""
      if (typeof last !== "string")
        for (const part of last) if (part.type === "tool_result") results.push(JSON.stringify(part))
      const name = tools.find((one) => one.endsWith(tool))
      const isCall = name !== undefined && asked.tools !== undefined && results.length === 0
      answer(response, model, isCall ? { name, input } : undefined)
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    tools,
    results,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(
  response: ServerResponse,
  model: string,
  call: { readonly name: string; readonly input: object } | undefined,
): void {
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = { id: "msg_1", type: "message", role: "assistant", model, content: [], usage }
  const events = [
    { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } },
    {
      type: "content_block_start",
      index: 0,
      content_block:
        call === undefined
          ? { type: "text", text: "" }
          : { type: "tool_use", id: "toolu_1", name: call.name, input: {} },
    },
    {
      type: "content_block_delta",
      index: 0,
      delta:
        call === undefined
          ? { type: "text_delta", text: "done" }
          : { type: "input_json_delta", partial_json: JSON.stringify(call.input) },
    },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: call === undefined ? "end_turn" : "tool_use", stop_sequence: null },
      usage: { output_tokens: 1 },
    },
    { type: "message_stop" },
  ]
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}
