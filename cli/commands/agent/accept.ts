/** `holdfast agent accept`: a person says that a suspected wipe was meant. */
import { EXIT } from "../../output/exit-codes.ts"
import type { Command } from "../../verbs/call.ts"
import { agentOf } from "./open.ts"
import { print } from "./sync.ts"

export const agentAccept: Command = async (call) => {
  const [snapshot = ""] = call.args
  const agent = await agentOf(call)
  print(call, await agent.accept(snapshot))
  return EXIT.done
}
