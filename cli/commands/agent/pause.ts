/** `holdfast agent pause` and `resume`: whether the timer starts runs. */
import type { Agent } from "../../bridge/agent.ts"
import { EXIT } from "../../output/exit-codes.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { parseDuration } from "../../verbs/sizes.ts"
import { agentOf } from "./open.ts"

export const agentPause: Command = async (call) => {
  const text = call.options.text("for")
  const forMs = text === undefined ? undefined : parseDuration(text, "for")
  const agent = await agentOf(call)
  await agent.pause(forMs)
  await print(call, agent, "paused")
  return EXIT.done
}

export const agentResume: Command = async (call) => {
  const agent = await agentOf(call)
  await agent.resume()
  await print(call, agent, "resumed")
  return EXIT.done
}

async function print({ output }: Call, agent: Agent, done: string): Promise<void> {
  const status = await agent.status()
  output.structured(status)
  output.say(`${agent.workspace}: ${status.state === "paused" ? (status.problem?.message ?? done) : done}`)
}
