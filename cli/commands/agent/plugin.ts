/** `holdfast agent plugin`: writes the folder with which a host installs the backup tools. */
import { launchOf } from "../../bridge/hosts/launch.ts"
import { PLUGIN_HOSTS, writePlugin } from "../../bridge/hosts/plugin-folder.ts"
import { EXIT, UsageError } from "../../output/exit-codes.ts"
import type { Command } from "../../verbs/call.ts"

export const agentPlugin: Command = async ({ args, options, output, environment }) => {
  const [name = "", folder = ""] = args
  const host = PLUGIN_HOSTS.find((one) => one === name)
  if (host === undefined)
    throw new UsageError(`${JSON.stringify(name)} is not a host; use ${PLUGIN_HOSTS.join(", ")}`)
  if (folder === "") throw new UsageError("agent plugin needs a folder to write, after the host")
  const { execPath: node, argv } = process
  const launch = launchOf({ workspace: options.text("workspace"), environment, node, script: argv[1] ?? "" })
  const written = writePlugin(host, folder, launch)
  output.structured({ v: 1, host, ...written })
  output.line(`wrote the plugin to ${written.folder}. Install it:`)
  for (const line of written.install) output.line(`  ${line}`)
  return EXIT.done
}
