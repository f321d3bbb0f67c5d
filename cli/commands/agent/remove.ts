/** `holdfast agent remove`: ends the protection on this machine. */
import { existsSync } from "node:fs"
import { stateFolderOf } from "../../bridge/config/places.ts"
import { removeState } from "../../bridge/config/remove.ts"
import { EXIT, UsageError } from "../../output/exit-codes.ts"
import { askYesNo, canAsk } from "../../secrets/prompt.ts"
import type { Command } from "../../verbs/call.ts"
import { agentPlace } from "./workspace.ts"

export const agentRemove: Command = async (call) => {
  const { output, options } = call
  const { workspace, home } = await agentPlace(call)
  const stateFolder = stateFolderOf(home, workspace)
  const isThere = existsSync(stateFolder)
  if (isThere && !options.flag("yes")) {
    if (!canAsk()) throw new UsageError("there is no terminal to ask on. Use --yes")
    output.say(
      `${workspace} will not be backed up any more by this machine. The snapshots stay in the repository.`,
    )
    if (!(await askYesNo("End the protection?", false))) {
      output.say("nothing was changed")
      return EXIT.failed
    }
  }
  if (isThere) removeState({ workspace, stateFolder })
  output.structured({ v: 1, workspace, removed: isThere })
  output.say(
    isThere ? `${workspace} is not protected any more` : `${workspace} was not protected on this machine`,
  )
  output.say("if a schedule was installed, remove it too: holdfast schedule remove")
  return EXIT.done
}
