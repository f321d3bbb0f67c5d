/**
 * `sync_restore`: a restore that would overwrite files first becomes a plan. A person is asked where the client can
 * ask: the call returns the question, and the client calls again with the answer. Elsewhere the model gets the plan
 * and calls again with its id and `confirm`. Both are honoured because a snapshot of the present state is committed
 * before the first write (spec/agent.md). A plan that a person has declined stays declined.
 */
import { inputRequired, inputResponse } from "@modelcontextprotocol/server"
import type { CallToolResult, InputRequiredResult, ServerContext } from "@modelcontextprotocol/server"
import type { Agent } from "../agent.ts"
import { AgentProblem } from "../problem.ts"
import type { RestoreInput, SyncRestore } from "../results.ts"
import type { Calls } from "./calls.ts"
import { sayPlan } from "../tools/say.ts"

export interface RestoreToolRequest {
  readonly agent: Agent
  readonly calls: Calls
  readonly canAsk: (context: ServerContext) => boolean
  readonly answer: (result: SyncRestore, note?: string) => CallToolResult
}

type RestoreTool = (
  input: RestoreInput,
  context: ServerContext,
) => Promise<CallToolResult | InputRequiredResult>

/** The name of the question in the protocol, and of the field of its form. */
const QUESTION = "restore"

export function createRestoreTool({ agent, calls, canAsk, answer }: RestoreToolRequest): RestoreTool {
  const declined = new Set<string>()
  const restore = (input: RestoreInput, context: ServerContext): Promise<SyncRestore> =>
    calls.run(context, (signal) => agent.restore(input, { mayWrite: true, signal }))
  return async (input, context) => {
    if (input.planId !== undefined && declined.has(input.planId))
      throw new AgentProblem(
        "plan-declined",
        "the user has declined this plan",
        "Make a new plan only if the user asks for it",
      )
    const reply = inputResponse(context.mcpReq.inputResponses, QUESTION)
    const planId = context.mcpReq.requestState<string>()
    if (reply.kind === "elicit" && planId !== undefined) {
      if (reply.action === "accept" && reply.content?.[QUESTION] === true)
        return answer(await restore({ ...input, planId, confirm: true }, context))
      if (reply.action !== "cancel") declined.add(planId)
      const { planId: _, ...plan } = await restore({ ...input, mode: "preview" }, context)
      return answer(plan, `the user ${reply.action === "cancel" ? "did not answer" : "declined"}`)
    }
    const asks = canAsk(context)
    // where a person can be asked, the answer counts and not the model's own confirm
    const { confirm: _confirm, planId: _planId, ...unconfirmed } = input
    const plan = await restore(asks ? unconfirmed : input, context)
    if (plan.outcome !== "needs_confirmation" || plan.planId === undefined || !asks) return answer(plan)
    return inputRequired({ inputRequests: { [QUESTION]: question(plan) }, requestState: plan.planId })
  }
}

function question(plan: SyncRestore): ReturnType<typeof inputRequired.elicit> {
  return inputRequired.elicit({
    message: `Restore the workspace from the backup of ${plan.timestamp}? This will ${sayPlan(plan)}. The present files are backed up first, and the restore can be undone.`,
    requestedSchema: {
      type: "object",
      properties: { [QUESTION]: { type: "boolean", title: "Restore", description: "Write these files" } },
      required: [QUESTION],
    },
  })
}
