/** `holdfast mcp`: serves the agent's tools to the program that started it, until that program leaves. */
import { configText, HOSTS, launchOf, serverOf } from "../bridge/hosts/launch.ts"
import { EXIT } from "../output/exit-codes.ts"
import type { Call, Command } from "../verbs/call.ts"

export const mcp: Command = async (call) => {
  if (call.options.text("print-config") !== undefined) return printConfig(call)
  const { ownOutput } = await import("../bridge/mcp/own-output.ts")
  const output = ownOutput()
  const { agentOf } = await import("./agent/open.ts")
  const opening = agentOf(call, "mcp")
  const [{ serveAgent }, agent] = await Promise.all([import("../bridge/mcp/serve.ts"), opening])
  await serveAgent({ agent, input: process.stdin, output })
  return EXIT.done
}

function printConfig({ options, output, environment }: Call): typeof EXIT.done {
  const { execPath: node, argv } = process
  const launch = launchOf({ workspace: options.text("workspace"), environment, node, script: argv[1] ?? "" })
  const host = HOSTS.find((one) => one === options.text("print-config")) ?? "json"
  output.structured({ v: 1, host, server: serverOf(launch) })
  for (const line of configText(host, launch).split("\n")) output.line(line)
  return EXIT.done
}
