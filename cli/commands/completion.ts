/** `holdfast completion bash|zsh|fish`. */
import type { Command } from "../verbs/call.ts"
import { SHELLS } from "../verbs/complete.ts"
import { completionScript } from "../verbs/completion.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"

export const completion: Command = async ({ args, output }) => {
  const script = completionScript(args[0] ?? "")
  if (script === undefined)
    throw new UsageError(`completion knows ${SHELLS.join(", ")}, not "${args[0] ?? ""}"`)
  output.block(script)
  output.object({ message_type: "completion", shell: args[0], script })
  return EXIT.done
}
