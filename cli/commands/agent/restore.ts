/**
 * `holdfast agent restore`: the person's own restore. It shows the plan, asks, and writes in place, databases and the
 * host's own folder included. On a machine where nothing is set up it first connects (new-machine.ts).
 */
import { openSetup, isNotReady } from "../../bridge/config/open-setup.ts"
import { agentContext } from "../../bridge/agent.ts"
import { AgentProblem } from "../../bridge/problem.ts"
import { restoreAgent } from "../../bridge/recover/restore.ts"
import type { PathList, RestoreInput, SyncRestore } from "../../bridge/results.ts"
import type { Setup } from "../../bridge/setup.ts"
import { sayWarning } from "../../bridge/tools/say.ts"
import { showBytes, showCount } from "../../output/format.ts"
import { EXIT, UsageError, type ExitCode } from "../../output/exit-codes.ts"
import type { Output } from "../../output/output.ts"
import { askYesNo, canAsk } from "../../secrets/prompt.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { setUpNewMachine } from "./new-machine.ts"

export const agentRestore: Command = async (call) => {
  const { options } = call
  const input: RestoreInput = {
    timestamp: call.args[0] ?? "latest",
    mode: options.text("mode") as RestoreInput["mode"],
    ...(options.list("path").length === 0 ? {} : { paths: options.list("path") }),
  }
  const ready = await setupOf(call, input)
  if (ready === undefined) return EXIT.usage
  const { setup, steps } = ready
  const restored = await restoreAgent(
    agentContext(setup, { host: "cli", environment: call.environment }),
    input,
    {
      mayWrite: true,
      ask: (plan) => ask(call, plan),
    },
    { operator: true },
  )
  const result =
    restored.outcome === "restored" ? { ...restored, steps: [...restored.steps, ...steps] } : restored
  call.output.structured(result)
  if (!call.output.json) print(call.output, result)
  return codeOf(result)
}

/** Plans that need confirmation are not done. */
function codeOf({ outcome }: SyncRestore): ExitCode {
  return outcome === "needs_confirmation" ? EXIT.failed : EXIT.done
}

interface Ready {
  readonly setup: Setup
  /** For a person, after the restore. */
  readonly steps: readonly string[]
}

/** Undefined: the answer is given, and nothing is to be done yet. */
async function setupOf(call: Call, input: RestoreInput): Promise<Ready | undefined> {
  const { options, environment } = call
  const workspace = options.text("workspace")
  const request = { workspace, cwd: process.cwd(), environment }
  const location = options.text("repo")
  const found = await openSetup(request)
  if (!isNotReady(found)) {
    if (location === undefined) return { setup: found, steps: [] }
    throw new UsageError(
      `${found.workspace} is set up for ${found.destination.displayName} already. Leave -r out, or use another workspace`,
    )
  }
  const { code, message, hint } = found.problem
  if (location === undefined)
    throw new AgentProblem(
      code,
      message,
      `${hint ?? ""}. On a new machine: holdfast agent restore latest --workspace DIR -r PLACE`.replace(
        /^\. /,
        "",
      ),
    )
  const steps = await setUpNewMachine(call, location, input.timestamp)
  if (steps === undefined) return undefined
  const again = await openSetup(request)
  if (isNotReady(again)) throw new AgentProblem(again.problem.code, again.problem.message, again.problem.hint)
  return { setup: again, steps }
}

async function ask(call: Call, plan: SyncRestore): Promise<boolean> {
  if (!call.output.json) printPlan(call.output, plan)
  if (call.options.flag("yes")) return true
  if (!canAsk())
    throw new UsageError(
      "there is no terminal to ask on. To restore without a question, use --yes; to only look, --mode preview",
    )
  return await askYesNo("Restore this?", false)
}

function printPlan(output: Output, plan: SyncRestore): void {
  output.line(
    `snapshot ${plan.snapshot.slice(0, 8)} of ${plan.timestamp}${plan.flag === null ? "" : ` (${plan.flag})`}`,
  )
  printPaths(output, "overwrite", plan.overwrite)
  printPaths(output, "create", plan.create)
  if (plan.remove !== undefined) printPaths(output, "remove", plan.remove)
  if (plan.extraLocal.count > 0)
    output.line(`  leave     ${showCount(plan.extraLocal.count, "file")} that the snapshot does not have`)
}

const LINES_MAX = 20

function printPaths(output: Output, verb: string, { count, paths }: PathList): void {
  const shown = output.verbose ? paths : paths.slice(0, LINES_MAX)
  for (const path of shown) output.line(`  ${verb.padEnd(9)} ${path}`)
  if (count > shown.length) output.line(`  ${verb.padEnd(9)} ${count - shown.length} more`)
}

function print(output: Output, result: SyncRestore): void {
  const { outcome, snapshot, timestamp, create, overwrite, remove, bytes, undo, stagedAt, warnings, steps } =
    result
  const from = `snapshot ${snapshot.slice(0, 8)} of ${timestamp}`
  switch (outcome) {
    case "restored": {
      const removed = remove === undefined ? "" : `, ${remove.count} removed`
      output.line(
        `restored ${from}: ${create.count} created, ${overwrite.count} overwritten${removed} (${showBytes(bytes)})`,
      )
      if (undo !== null) output.line("to take it back: holdfast agent restore undo")
      break
    }
    case "unchanged":
      output.line(`nothing to restore: the files are those of ${from} already`)
      break
    case "staged":
      output.line(`${from} is in ${stagedAt ?? ""}`)
      break
    case "preview":
      printPlan(output, result)
      break
    case "needs_confirmation":
      output.line("nothing was written")
      break
  }
  for (const [i, step] of steps.entries()) output.line(`  ${i + 1}. ${step}`)
  for (const warning of warnings) output.warn(sayWarning(warning))
}
