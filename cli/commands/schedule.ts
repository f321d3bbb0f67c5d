/**
 * `holdfast schedule install|status|remove`: shows what a scheduler gets to read and what it will be told, asks, and
 * carries it out. With --json the result is one line; nothing can be shown before, so it needs --yes or --dry-run.
 */
import { realpathSync } from "node:fs"
import type { Call, Command } from "../verbs/call.ts"
import { openAgent } from "../bridge/agent.ts"
import { openSetup } from "../bridge/config/open-setup.ts"
import { AgentProblem } from "../bridge/problem.ts"
import type { Warning } from "../bridge/results.ts"
import type { Scheduler } from "../bridge/schedule/job.ts"
import {
  planInstall,
  planRemove,
  scheduleStatus,
  type ScheduleChange,
  type SchedulePlan,
  type ScheduleRequest,
  type ScheduleStatus,
} from "../bridge/schedule/plan.ts"
import { thisMachine } from "../bridge/schedule/service.ts"
import { table } from "../output/columns.ts"
import { EXIT } from "../output/exit-codes.ts"
import { showTime } from "../output/format.ts"
import { askYesNo, canAsk } from "../secrets/prompt.ts"

export const scheduleInstall: Command = async (call) => {
  const plan = await planInstall(await requestOf(call))
  await carryOut(call, plan, plan.change.difference === null ? "Install it?" : "Replace what is there?")
  return EXIT.done
}

export const scheduleRemove: Command = async (call) => {
  for (const plan of await planRemove(await requestOf(call)))
    await carryOut(call, plan, plan.change.difference === null ? "Remove it?" : "Remove it nevertheless?")
  return EXIT.done
}

export const scheduleStatusOf: Command = async (call) => {
  const request = await requestOf(call)
  const agent = await openAgent({
    workspace: request.setup.workspace,
    cwd: process.cwd(),
    environment: call.environment,
    host: "cli",
  })
  const status = await scheduleStatus(request, await agent.status())
  call.output.structured(status)
  showStatus(call, status)
  return EXIT.done
}

async function requestOf({ options, environment, verb }: Call): Promise<ScheduleRequest> {
  const isStatus = verb.name === "schedule status"
  return {
    setup: await openSetup({ workspace: options.text("workspace"), cwd: process.cwd(), environment }),
    program: { node: process.execPath, script: realpathSync(process.argv[1] ?? "") },
    machine: thisMachine(environment),
    with: isStatus ? undefined : (options.text("with") as Scheduler | undefined),
    dryRun: !isStatus && options.flag("dry-run"),
  }
}

async function carryOut(call: Call, plan: SchedulePlan, question: string): Promise<void> {
  const { output, options } = call
  const { change, isNeeded } = plan
  if (!isNeeded) {
    output.structured(change)
    output.line(change.where === null ? "nothing is installed" : `already installed: ${change.where}`)
    showWarnings(call, change.warnings)
    return
  }
  showChange(call, change)
  if (options.flag("dry-run")) {
    output.structured(change)
    return
  }
  if (!options.flag("yes")) {
    if (output.json || !canAsk())
      throw new AgentProblem(
        "needs-yes",
        "nothing was changed",
        "Add --yes, or --dry-run to see what would be changed",
      )
    if (!(await askYesNo(question, false))) {
      output.structured(change)
      output.line("nothing was changed")
      return
    }
  }
  const done = await plan.carryOut()
  output.structured(done)
  output.line(`${done.outcome}: ${done.where}`)
}

function showChange({ output }: Call, change: ScheduleChange): void {
  output.line(`${change.where}:`)
  if (change.difference === null) for (const line of linesOf(change.text ?? "")) output.line(`    ${line}`)
  else showDifference({ output }, change.difference)
  if (change.commands.length > 0) output.line("and these commands are run:")
  for (const command of change.commands) output.line(`    ${command}`)
  showWarnings({ output }, change.warnings)
}

function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/)
}

/** `install` and `remove` compare with what this program would write now. */
function showDifference({ output }: Pick<Call, "output">, difference: readonly string[]): void {
  output.line(
    '  It was edited, or written by another version. "-" is there now, "+" is what this program writes:',
  )
  for (const line of difference) output.line(`    ${line}`)
}

function showWarnings({ output }: Pick<Call, "output">, warnings: readonly Warning[]): void {
  for (const { message, hint } of warnings) {
    output.line(`!!  ${message}`)
    if (hint !== undefined) output.line(`      ${hint}`)
  }
}

function showStatus({ output }: Call, status: ScheduleStatus): void {
  const { services, lastBackup, lastAttempt, timer } = status
  const rows = services.map(({ with: scheduler, where, enabled, running }) => [
    scheduler,
    enabled ? "enabled" : "not enabled",
    running === null ? "" : running ? "running" : "not running",
    where,
  ])
  for (const line of table(["", "", "", ""], rows).slice(1)) output.line(line)
  for (const { difference } of services) if (difference !== null) showDifference({ output }, difference)
  if (services.length === 0) {
    output.line(`nothing is installed for ${status.workspace}`)
    output.line("  to install it: holdfast schedule install")
  }
  if (timer.intervalMinutes > 0)
    output.line(`interval     ${timer.intervalMinutes} minutes, ${keeperText(status)}`)
  output.line(`last backup  ${lastBackup === null ? "none yet" : whenText(lastBackup)}`)
  if (lastAttempt?.outcome === "failed") output.line(`last run     ${whenText(lastAttempt)}: failed`)
  showWarnings({ output }, status.warnings)
}

function keeperText({ services, timer }: ScheduleStatus): string {
  if (timer.holder !== "none")
    return `kept by ${timer.holder}${timer.pid === undefined ? "" : ` (process ${timer.pid})`}`
  return services.some(({ with: scheduler, enabled }) => scheduler === "cron" && enabled)
    ? "kept by cron"
    : "and nothing keeps it now"
}

function whenText({ time, trigger }: { readonly time: string; readonly trigger: string }): string {
  return `${showTime(BigInt(Date.parse(time)) * 1_000_000n)} (${trigger})`
}
