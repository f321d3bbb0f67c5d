/** `holdfast mcp`: serves the agent's tools to the program that started it, until that program leaves. */
import { EXIT } from "../output/exit-codes.ts"
import type { Command } from "../verbs/call.ts"

export const mcp: Command = async ({ options, environment }) => {
  const { ownOutput } = await import("../bridge/mcp/own-output.ts")
  const output = ownOutput()
  const { openAgent } = await import("../bridge/agent.ts")
  const opening = openAgent({
    workspace: options.text("workspace"),
    cwd: process.cwd(),
    environment,
    host: "mcp",
  })
  const [{ serveAgent }, agent] = await Promise.all([import("../bridge/mcp/serve.ts"), opening])
  await serveAgent({ agent, input: process.stdin, output })
  return EXIT.done
}
