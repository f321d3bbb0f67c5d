/** `holdfast version` with flags; the plain call is answered by main.ts alone. */
import type { Command } from "../call.ts"
import { EXIT } from "../exit-codes.ts"
import { versionFacts, versionLine } from "../version.ts"

export const version: Command = async ({ output }) => {
  output.line(versionLine())
  output.object({ message_type: "version", ...versionFacts() })
  return EXIT.done
}
