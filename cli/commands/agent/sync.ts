/** `holdfast agent sync`: backs up now, or joins a run that begins after this call. */
import type { Agent, NowCall } from "../../bridge/agent.ts"
import type { SyncNow } from "../../bridge/results.ts"
import { sayNow } from "../../bridge/tools/say.ts"
import { EXIT } from "../../output/exit-codes.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { agentOf } from "./open.ts"

export const agentSync: Command = async (call) => {
  const { options, output } = call
  const agent = await agentOf(call)
  const trigger = options.text("trigger")
  const progress = output.progress("backup")
  const wait = !options.flag("no-wait")
  const input = { reason: options.text("reason"), label: options.text("label"), wait }
  const how: NowCall = {
    ...(trigger === undefined ? {} : { trigger }),
    progress: ({ filesDone, bytesDone, bytesTotal }) =>
      progress.update({ files: filesDone, bytes: bytesDone, bytesTotal }),
  }
  const result = trigger === "cron" ? await agent.pass(input, how) : await agent.now(input, how)
  progress.wipe()
  if (result === undefined) await printNotDue(call, agent)
  else print(call, result)
  if (!wait) {
    output.flush()
    await agent.settled()
  }
  return EXIT.done
}

/** For a timer's call that does nothing now. */
export async function printNotDue({ output }: Call, agent: Agent): Promise<void> {
  const status = await agent.status()
  output.structured(status)
  const why = status.state === "paused" ? "paused" : "no backup is due yet"
  output.say(`${agent.workspace}: ${why}; nothing was backed up`)
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
