/**
 * `holdfast agent trust`: shows what would be approved, and asks on the terminal. Nothing else answers the question:
 * no flag, no pipe.
 */
import { approve, proposeApproval } from "../../bridge/config/approve.ts"
import { EXIT, UsageError } from "../../output/exit-codes.ts"
import { askYesNo, canAsk } from "../../secrets/prompt.ts"
import type { Command } from "../../verbs/call.ts"
import { agentPlace } from "./workspace.ts"

export const agentTrust: Command = async (call) => {
  const { output, options, environment } = call
  const { workspace, home } = await agentPlace(call)
  const proposal = await proposeApproval({ workspace, environment, home })
  const { lines, isFirst, approved, destination } = proposal
  const shows = options.flag("show") || output.json
  output.structured({
    v: 1,
    workspace,
    state: isFirst ? "needs_approval" : lines.length === 0 ? "approved" : "changed",
    destination: destination.displayName,
    changes: lines,
    warnings: approved.warnings,
  })
  output.line(heading(workspace, isFirst, lines.length))
  for (const line of lines) output.line(`  ${line}`)
  for (const { message, hint } of approved.warnings)
    output.warn(hint === undefined ? message : `${message} (${hint})`)
  if (shows) return EXIT.done
  // an equal file may still have other bytes, which would be parsed again at every start
  if (!isFirst && lines.length === 0) {
    approve(proposal)
    return EXIT.done
  }
  if (!canAsk()) throw new UsageError("approving needs a person at a terminal. To only look, use --show")
  if (!(await askYesNo("Approve this?", false))) {
    output.say("nothing was approved")
    return EXIT.failed
  }
  approve(proposal)
  output.say("approved")
  return EXIT.done
}

function heading(workspace: string, isFirst: boolean, count: number): string {
  if (isFirst) return `The configuration of ${workspace} was never approved on this machine:`
  if (count === 0) return `The configuration of ${workspace} is as it was approved.`
  return `Changes of the configuration of ${workspace} since it was approved:`
}
