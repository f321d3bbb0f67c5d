/** `holdfast agent sync`: backs up now, or joins a run that begins after this call. */
import type { Agent } from "../../bridge/agent.ts"
import type { SyncNow } from "../../bridge/results.ts"
import { sayNow } from "../../bridge/tools/say.ts"
import { EXIT } from "../../output/exit-codes.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { agentOf } from "./open.ts"

export const agentSync: Command = async (call) => {
  const { options, output } = call
  const agent = await agentOf(call)
  const trigger = options.text("trigger")
  if (trigger === "cron" && (await isPaused(call, agent))) return EXIT.done
  const progress = output.progress("backup")
  const wait = !options.flag("no-wait")
  const input = { reason: options.text("reason"), label: options.text("label"), wait }
  const result = await agent.now(input, {
    ...(trigger === undefined ? {} : { trigger }),
    progress: ({ filesDone, bytesDone, bytesTotal }) =>
      progress.update({ files: filesDone, bytes: bytesDone, bytesTotal }),
  })
  progress.wipe()
  print(call, result)
  if (!wait) {
    output.flush()
    await agent.settled()
  }
  return EXIT.done
}

/** `agent pause` stops the timer, and a cron line is one. */
async function isPaused({ output }: Call, agent: Agent): Promise<boolean> {
  const status = await agent.status()
  if (status.state !== "paused") return false
  output.structured(status)
  output.say(`${agent.workspace}: paused; nothing was backed up`)
  return true
}

/**
 * With --quiet, only what a person has to hear of, since cron makes a mail of it: a flag, once. Warnings that come
 * with every run are in `agent status`.
 */
export function print({ output }: Call, result: SyncNow): void {
  output.structured(result)
  if (output.json) return
  const [line = "", ...warnings] = sayNow(result).split("\n")
  if (output.quiet && (result.flag === null || result.outcome !== "created")) return
  if (!output.quiet) output.line(line)
  for (const warning of warnings) output.warn(warning.replace(/^warning: /, ""))
}
