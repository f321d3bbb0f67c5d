/**
 * `holdfast agent run`: the daemon. Keeps the interval until it is told to end; with --once, one pass of that timer. A signal ends it at once, also in the
 * middle of a backup: what is stored is safe at any moment, and a mark in the home makes the next keeper go on.
 */
import type { Agent } from "../../bridge/agent.ts"
import { EXIT } from "../../output/exit-codes.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { agentOf } from "./open.ts"
import { print, printNotDue } from "./sync.ts"

export const agentRun: Command = async (call) => {
  const agent = await agentOf(call, "daemon")
  if (call.options.flag("once")) {
    const result = await agent.pass({}, { trigger: "interval" })
    if (result === undefined) await printNotDue(call, agent)
    else print(call, result)
    return EXIT.done
  }
  const status = await agent.status()
  const minutes = status.timer.intervalMinutes
  const what = minutes > 0 ? `backing up every ${minutes} minutes` : `waiting for a configuration`
  call.output.say(`holdfast agent run: ${agent.workspace}: ${what} (process ${process.pid})`)
  call.output.structured(status)
  call.output.flush()
  await untilSignal(call, agent)
  return EXIT.done
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const

async function untilSignal({ output }: Call, agent: Agent): Promise<void> {
  const timer = agent.keepTimer({ keepsProcess: true })
  const signal = await new Promise<string>((resolve) => {
    for (const name of SIGNALS) {
      process.removeAllListeners(name)
      process.on(name, () => resolve(name))
    }
  })
  const { state } = await agent.status()
  // a run that is cut short is made again
  if (state === "running") await agent.mark("interrupted")
  await timer.stop()
  output.say(`holdfast agent run: ended by ${signal}`)
}
