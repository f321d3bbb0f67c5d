/**
 * A stand-in for a language model, with the OpenAI protocol that OpenClaw speaks to local servers. It records what the
 * host sends. A message with `CALL tool {json}` gets one call of that tool; a `/wrap_up` gets the calls that the test
 * has set; everything else a short answer. Tests only.
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface ModelRequest {
  readonly tools: readonly string[]
  /** What the user said in this turn, with what the host adds. */
  readonly user: string
  /** The results of tools since the model's last words. */
  readonly results: readonly string[]
}

export interface FakeModel {
  readonly port: number
  readonly requests: ModelRequest[]
  /** What the model does when the user wraps up: one call after the other, then an answer. */
  onWrapUp: readonly (readonly [tool: string, parameters: object])[]
  stop(): Promise<void>
}

interface Message {
  readonly role: string
  readonly content?: string | readonly { readonly text?: string }[] | null
  readonly tool_calls?: readonly object[] | null
}

interface Body {
  readonly stream?: boolean
  readonly messages?: readonly Message[]
  readonly tools?: readonly { readonly function?: { readonly name?: string } }[]
}

type ToolCall = readonly [tool: string, parameters: string]

export async function startFakeModel(port = 0): Promise<FakeModel> {
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk: Buffer) => (text += chunk.toString()))
    request.on("end", () => {
      if (request.url?.endsWith("/models") === true)
        return response.end(JSON.stringify({ object: "list", data: [{ id: "fake-1", object: "model" }] }))
      const body = JSON.parse(text || "{}") as Body
      return answer(response, body.stream === true, turn(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  const model: FakeModel = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    onWrapUp: [],
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  function turn({ messages = [], tools = [] }: Body): ToolCall | undefined {
    // The host adds user messages of its own, so a turn begins behind the last answer without a call.
    const since = messages.slice(messages.findLastIndex(isAnswer) + 1)
    const user = since
      .filter(({ role }) => role === "user")
      .map(textOf)
      .join("\n")
    const results = since.filter(({ role }) => role === "tool").map(textOf)
    model.requests.push({ tools: tools.map((tool) => tool.function?.name ?? ""), user, results })
    const asked = /CALL (\w+) (\{.*?\})(?:\n|$)/.exec(user)
    if (asked !== null) return results.length > 0 ? undefined : [asked[1] ?? "", asked[2] ?? "{}"]
    if (!/wrap[_-]up/.test(user)) return undefined
    const next = model.onWrapUp[results.length]
    return next === undefined ? undefined : [next[0], JSON.stringify(next[1])]
  }

  return model
}

function isAnswer({ role, tool_calls }: Message): boolean {
  return role === "assistant" && (tool_calls ?? []).length === 0
}

function textOf({ content }: Message): string {
  if (typeof content === "string") return content
  return (content ?? []).map(({ text }) => text ?? "").join("")
}

function answer(response: ServerResponse, isStream: boolean, call: ToolCall | undefined): void {
  const base = {
    id: `c${Date.now()}`,
    object: isStream ? "chat.completion.chunk" : "chat.completion",
    created: 1,
    model: "fake-1",
  }
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
  const content = call === undefined ? "Done." : null
  const tool_calls = call && [
    {
      index: 0,
      id: `call_${Date.now()}`,
      type: "function",
      function: { name: call[0], arguments: call[1] },
    },
  ]
  const finish_reason = call === undefined ? "stop" : "tool_calls"
  const said = { role: "assistant", ...(call === undefined ? { content } : { tool_calls }) }
  if (!isStream) {
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ ...base, choices: [{ index: 0, message: said, finish_reason }], usage }))
    return
  }
  response.setHeader("content-type", "text/event-stream")
  const send = (event: object): void => void response.write(`data: ${JSON.stringify(event)}\n\n`)
  send({ ...base, choices: [{ index: 0, delta: said, finish_reason: null }] })
  send({ ...base, choices: [{ index: 0, delta: {}, finish_reason }], usage })
  response.end("data: [DONE]\n\n")
}
