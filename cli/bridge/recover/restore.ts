/**
 * `sync_restore` and `agent restore`: resolves the timestamp, plans, and restores in place, stages, or asks. A restore
 * that would replace nothing runs at once. Otherwise the caller gets a plan and repeats the call with its id, or a
 * person is asked. Without proof of the owner nothing is written into the workspace. spec/agent.md.
 */
import type { RestoreInput, SyncRestore, Warning } from "../results.ts"
import type { RunContext } from "../run/context.ts"
import { repositoryWarnings } from "../run/problems.ts"
import { writeLog } from "../run/log.ts"
import { takeRunLock } from "../run/queue.ts"
import { carryOut, type Carried } from "./in-place.ts"
import { type JournalPorts, JOURNAL_PORTS, settleHeld, settleRestore } from "./journal.ts"
import { requireStopped } from "./programs.ts"
import {
  changesNothing,
  isKeptPlan,
  keepPlan,
  makePlan,
  replaces,
  type Plan,
  type PlanRequest,
} from "./plans.ts"
import { resolveTimestamp } from "./resolve.ts"
import { commandOf, offlineSteps, stageBeside } from "./staged.ts"

/** Whether a plan may be carried out, and who can be asked. */
export interface RestoreCall {
  /** False: the caller has not proved to be the owner; a plan is given or files are staged, never written in place. */
  readonly mayWrite: boolean
  /** Shows the plan to a person and waits for the answer; undefined if nobody can be asked here. */
  readonly ask?: ((plan: SyncRestore) => Promise<boolean>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RestoreHow {
  /** A person's own command: databases and the host's own folder are restored too. */
  readonly operator?: boolean | undefined
  readonly ports?: JournalPorts | undefined
}

interface Restoring extends PlanRequest {
  readonly input: RestoreInput
  readonly call: RestoreCall
  readonly ports: JournalPorts
}

/** @throws AgentProblem; EngineError of the repository */
export async function restoreAgent(
  context: RunContext,
  input: RestoreInput,
  call: RestoreCall,
  { operator = false, ports = JOURNAL_PORTS }: RestoreHow = {},
): Promise<SyncRestore> {
  const { setup } = context
  const settled = await settleRestore(setup, ports)
  const repository = await setup.openRepository()
  try {
    const chosen = await resolveTimestamp(setup, repository, input.timestamp, context.by)
    const { paths } = input
    const restoring: Restoring = { context, repository, chosen, paths, operator, input, call, ports }
    const result = await restoreChosen(restoring)
    const notes = settled?.warnings ?? []
    return { ...result, warnings: [...notes, ...result.warnings, ...repositoryWarnings(setup, repository)] }
  } finally {
    repository.close()
  }
}

async function restoreChosen(restoring: Restoring): Promise<SyncRestore> {
  const { input, call, context } = restoring
  let plan = await makePlan(restoring)
  const { mode = "auto" } = input
  if (mode === "staged") {
    const { stagedAt, steps, warnings, bytes } = await stageBeside(restoring, plan, input)
    const result = resultOf(restoring, plan, "staged")
    return { ...result, stagedAt, steps, bytes, warnings: [...plan.chosen.warnings, ...warnings] }
  }
  if (changesNothing(plan)) return resultOf(restoring, plan, "unchanged")
  if (mode === "preview") return planned(restoring, plan, "preview")
  if (!call.mayWrite) return planned(restoring, plan, "needs_confirmation", NOT_OWNER)
  if (restoring.operator && requireStopped(context.setup, plan)) plan = await makePlan(restoring)
  if (replaces(plan) || call.ask !== undefined) {
    const refused = await confirm(restoring, plan)
    if (refused !== undefined) return refused
  }
  call.signal?.throwIfAborted()
  return await inPlace(restoring, plan)
}

const NOT_OWNER: Warning = {
  code: "not-the-owner",
  message: "this call has not proved to be the owner's, so nothing is written into the workspace",
  hint: "the owner types the command, or use mode staged",
}

/** @returns what to answer instead of restoring; undefined if the restore is confirmed */
async function confirm(restoring: Restoring, plan: Plan): Promise<SyncRestore | undefined> {
  const { input, call, context } = restoring
  const { confirm: isConfirmed = false, planId } = input
  const { stateFolder } = context.setup
  if (
    isConfirmed &&
    planId !== undefined &&
    (planId !== plan.id || !isKeptPlan(stateFolder, planId, Date.now()))
  )
    return planned(restoring, plan, "needs_confirmation", planId === plan.id ? EXPIRED : CHANGED)
  if (call.ask !== undefined) {
    if (!replaces(plan) && !restoring.operator) return undefined
    if (await call.ask(planned(restoring, plan, "needs_confirmation"))) return undefined
    return planned(restoring, plan, "needs_confirmation", DECLINED)
  }
  if (isConfirmed && planId !== undefined) return undefined
  return planned(restoring, plan, "needs_confirmation", ...(isConfirmed ? [NO_PLAN] : []))
}

const CHANGED: Warning = {
  code: "plan-changed",
  message: "the workspace, the snapshot or the paths are not those of that plan any more; this is a new plan",
  hint: "look at it, and confirm it with its own planId",
}
const EXPIRED: Warning = {
  code: "plan-expired",
  message: "the plan is older than ten minutes; it is made again here",
  hint: "confirm it with its planId",
}
const DECLINED: Warning = { code: "declined", message: "the restore was not confirmed; nothing was written" }
const NO_PLAN: Warning = {
  code: "no-plan-id",
  message: "confirm needs the planId of the plan that was shown",
  hint: "show this plan to the user; when they agree, repeat the call with confirm and its planId",
}

async function inPlace(restoring: Restoring, shown: Plan): Promise<SyncRestore> {
  const { context, repository, call, ports } = restoring
  const startedMs = Date.now()
  const lock = await takeRunLock(context.setup, call.signal)
  let plan: Plan
  let carried: Carried
  try {
    await settleHeld(context.setup, ports)
    if (restoring.operator) requireStopped(context.setup, shown)
    // whoever had the lock may have changed something
    plan = await makePlan(restoring)
    if (plan.id !== shown.id) return planned(restoring, plan, "needs_confirmation", CHANGED)
    carried = await carryOut({ context, repository, plan, ports })
  } finally {
    lock.release()
  }
  const { undo, warnings } = carried
  const result = resultOf(restoring, plan, "restored")
  const all = [...result.warnings, ...warnings]
  const log = writeLog(context.setup, context.by, {
    op: "restore",
    triggers: [restoring.operator ? "command" : "tool"],
    outcome: "restored",
    snapshot: result.snapshot,
    flag: result.flag,
    files: { created: plan.create.count, overwritten: plan.overwrite.count, removed: plan.remove.count },
    bytes: plan.bytes,
    ms: Date.now() - startedMs,
    warnings: all,
  })
  return { ...result, undo, warnings: log === undefined ? all : [...all, log] }
}

function planned(
  restoring: Restoring,
  plan: Plan,
  outcome: "needs_confirmation" | "preview",
  ...warnings: readonly Warning[]
): SyncRestore {
  const { context, input } = restoring
  keepPlan(context.setup.stateFolder, plan.id, Date.now())
  const result = resultOf(restoring, plan, outcome)
  const timestamp = input.timestamp.trim() === "undo" ? "undo" : plan.chosen.timestamp
  const command = commandOf(context.setup.workspace, timestamp, input.paths)
  return { ...result, planId: plan.id, command, warnings: [...result.warnings, ...warnings] }
}

function resultOf(
  { context, operator }: Restoring,
  plan: Plan,
  outcome: SyncRestore["outcome"],
): SyncRestore {
  const { chosen, create, overwrite, remove, extraLocal, bytes } = plan
  const left = operator ? [] : leftOut(context, plan)
  const command = commandOf(context.setup.workspace, chosen.timestamp)
  return {
    v: 1,
    outcome,
    snapshot: chosen.snapshot.digest,
    timestamp: chosen.timestamp,
    flag: chosen.flag,
    create,
    overwrite,
    extraLocal,
    ...(remove.count === 0 ? {} : { remove }),
    bytes,
    steps: left.length === 0 ? [] : offlineSteps(context.setup.settings.profile, command),
    undo: null,
    warnings: [...chosen.warnings, ...left],
  }
}

/** What a tool leaves to a person. */
function leftOut({ setup }: RunContext, { databases, otherFiles }: Plan): Warning[] {
  const count = databases.length + otherFiles
  if (count === 0) return []
  const state = setup.roots.some(({ name }) => name === "state")
  const what = state ? "databases and the host's own folder" : "databases"
  return [
    {
      code: "left-for-a-person",
      message: `${count === 1 ? "1 file" : `${count} files`} of the snapshot are not restored in place by a tool: ${what}`,
      hint: "use mode staged, or follow the steps",
    },
  ]
}
