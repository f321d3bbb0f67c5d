/** `holdfast version` with unusual flags; main.ts answers the plain calls. */
import type { Command } from "../verbs/call.ts"
import { EXIT } from "../output/exit-codes.ts"
import { versionText } from "../output/version.ts"

export const version: Command = async ({ options }) => {
  process.stdout.write(`${versionText(options.flag("json"))}\n`)
  return EXIT.done
}
