/** `holdfast agent import`: moves secrets out of the configuration, then sets the workspace up. */
import { shellWord } from "../../../engine/index.ts"
import { importSecrets } from "../../bridge/config/import-secrets.ts"
import { UsageError } from "../../output/exit-codes.ts"
import { canAsk } from "../../secrets/prompt.ts"
import type { Command } from "../../verbs/call.ts"
import { initWorkspace } from "./init.ts"
import { agentPlace } from "./workspace.ts"

export const agentImport: Command = async (call) => {
  const { output, options, environment } = call
  if (!options.flag("yes") && !canAsk())
    throw new UsageError("there is no terminal to ask on. To accept what is proposed, use --yes")
  const { workspace, home } = await agentPlace(call)
  const { moved, config, rotate } = await importSecrets({
    workspace,
    environment,
    home,
    keychain: options.flag("keychain"),
  })
  for (const { field, reference } of moved) output.say(`${config}: ${field} is now ${reference}`)
  if (moved.length === 0) output.say(`${config} has no secrets in it`)
  if (rotate)
    output.warn(
      `the cloud key was readable in the workspace. Make a new one at your provider, put it into the files named above, then delete the old one. Copies of ${shellWord(config)} may still have it`,
    )
  return await initWorkspace(call, { workspace, environment, home })
}
