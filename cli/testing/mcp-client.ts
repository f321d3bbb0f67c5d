/** Real clients of `holdfast mcp`: the built program in its own process, spoken to in either era. Tests only. */
import { resolve } from "node:path"
import type { TestContext } from "node:test"
import { Client, type CallToolResult, type RequestOptions } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import type { AgentPlace } from "./agent-place.ts"

export const PROGRAM: string = resolve("dist/cli/main.js")

export interface ClientKind {
  readonly era: "legacy" | "modern"
  /** What a person answers to questions; undefined: this client can't ask. */
  readonly person?: "accept" | "decline" | "cancel" | undefined
}

export const ERAS: readonly ClientKind["era"][] = ["legacy", "modern"]

export interface Connected {
  readonly client: Client
  /** The questions that were shown to the person. */
  readonly questions: readonly string[]
  /** Of the server. */
  readonly pid: number
  readonly errors: () => string
  /** Calls a tool, with the arguments as a model would give them. */
  readonly call: (name: string, input?: Record<string, unknown>, options?: RequestOptions) => Promise<Answer>
}

export interface Answer {
  readonly text: string
  readonly isError: boolean
  readonly structured: Readonly<Record<string, unknown>>
  /** Of a failure. */
  readonly code: unknown
}

export async function connect(
  t: TestContext,
  { workspace, environment }: Pick<AgentPlace, "workspace" | "environment">,
  { era, person }: ClientKind,
): Promise<Connected> {
  const questions: string[] = []
  const client = new Client(
    { name: "test", version: "1" },
    {
      capabilities: person === undefined ? {} : { elicitation: { form: {} } },
      ...(era === "modern" ? { versionNegotiation: { mode: "auto" as const } } : {}),
    },
  )
  if (person !== undefined)
    client.setRequestHandler("elicitation/create", (request) => {
      questions.push(request.params.message)
      return person === "accept" ? { action: person, content: { restore: true } } : { action: person }
    })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, "mcp", "--workspace", workspace],
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stderr: "pipe",
  })
  let errors = ""
  transport.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()))
  await client.connect(transport)
  t.after(async () => await client.close())
  return {
    client,
    questions,
    pid: transport.pid ?? 0,
    errors: () => errors,
    call: async (name, input = {}, options) =>
      answerOf(await client.callTool({ name, arguments: input }, options)),
  }
}

function answerOf({ content, isError, structuredContent, _meta }: CallToolResult): Answer {
  return {
    text: content.map((part) => (part.type === "text" ? part.text : "")).join("\n"),
    isError: isError === true,
    structured: structuredContent === undefined ? {} : { ...structuredContent },
    code: _meta?.["holdfast/problem"],
  }
}
