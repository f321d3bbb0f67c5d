/** `holdfast agent status`: the state of an agent's backups, from local files alone. */
import type { AgentState, SyncStatus } from "../../bridge/results.ts"
import { showTime } from "../../output/format.ts"
import { sayWarning } from "../../bridge/tools/say.ts"
import { table } from "../../output/columns.ts"
import { EXIT, type ExitCode } from "../../output/exit-codes.ts"
import { showBytes, showCount } from "../../output/format.ts"
import type { Output } from "../../output/output.ts"
import type { Call, Command } from "../../verbs/call.ts"
import { agentOf } from "./open.ts"

export const agentStatus: Command = async (call) => {
  const agent = await agentOf(call)
  const status = await agent.status({ verbose: call.output.verbose })
  call.output.structured(status)
  if (!call.output.json) print(call, status)
  return CODES[status.state]
}

/** Known to scripts: spec/agent.md. */
const CODES: Readonly<Record<AgentState, ExitCode>> = {
  ok: EXIT.done,
  running: EXIT.done,
  paused: EXIT.done,
  stale: EXIT.failed,
  degraded: EXIT.failed,
  failing: EXIT.failed,
  unconfigured: EXIT.usage,
  needs_approval: EXIT.usage,
}

function print({ output }: Call, status: SyncStatus): void {
  const { state, problem, workspace, profile, agentId, lastAttempt } = status
  const line = (name: string, text: string): void => output.line(`${name.padEnd(12)}${text}`)
  line("state", problem === undefined ? state : `${state}: ${sayWarning(problem)}`)
  line("workspace", workspace)
  if (profile !== null) line("profile", `${profile}, agent ${agentId ?? ""}`)
  line("last backup", lastBackupText(status))
  if (lastAttempt !== null && (lastAttempt.outcome === "failed" || lastAttempt.outcome === "killed"))
    line("last run", `${lastAttempt.outcome} ${timeText(lastAttempt.time)} (${lastAttempt.trigger})`)
  if (profile === null) return
  line("timer", timerText(status))
  line("changed", changedText(status))
  line("repository", repositoryText(status))
  if (status.retention !== null) line("retention", `${status.retention.days} days; ${status.retention.note}`)
  printRecent(output, status)
  printWarnings(output, status)
}

function lastBackupText({ lastBackup }: SyncStatus): string {
  if (lastBackup === null) return "none"
  const { time, trigger, snapshot, filesChanged } = lastBackup
  return `${timeText(time)} (${trigger}), snapshot ${snapshot.slice(0, 8)}, ${showCount(filesChanged, "file")} changed`
}

function timerText({ timer, nextRun }: SyncStatus): string {
  const every = `every ${timer.intervalMinutes} minutes`
  if (timer.holder === "none")
    return `${every}, but nothing keeps it now. Run: holdfast agent run, or holdfast schedule install`
  const next = nextRun === null ? "" : `, next ${timeText(nextRun)}`
  return `${every} by ${timer.holder}${timer.pid === undefined ? "" : ` (process ${timer.pid})`}${next}`
}

function changedText({ dirty }: SyncStatus): string {
  if (dirty === null) return "unknown"
  const since = dirty.since === null ? "" : ` since ${timeText(dirty.since)}`
  return `${showCount(dirty.files, "file")} since the last backup${dirty.files === 0 ? "" : since.replace(/^ since/, ", first")}`
}

function repositoryText({ repository }: SyncStatus): string {
  if (repository === null) return "unknown"
  const { displayName, snapshots, storedBytes, id } = repository
  const stored = storedBytes === null ? "" : `, ${showBytes(storedBytes)} stored`
  return `${displayName}${id === null ? "" : ` (${id.slice(0, 8)})`}, ${showCount(snapshots, "snapshot")}${stored}`
}

function printRecent(output: Output, { recent }: SyncStatus): void {
  if (recent.length === 0) return
  const rows = recent.map(({ timestamp, snapshot, trigger, filesChanged, flag }) => [
    timestamp,
    snapshot.slice(0, 8),
    trigger,
    String(filesChanged),
    flag ?? "",
  ])
  const [header = "", ...lines] = table(["time", "snapshot", "trigger", "changed", "flag"], rows)
  output.line("")
  output.heading(header)
  for (const each of lines) output.line(each)
}

function printWarnings(output: Output, { warnings, problem }: SyncStatus): void {
  const others = warnings.filter(({ message }) => message !== problem?.message)
  if (others.length > 0) output.line("")
  for (const warning of others) output.line(`!!  ${sayWarning(warning)}`)
}

function timeText(iso: string): string {
  return showTime(BigInt(Date.parse(iso)) * 1_000_000n)
}
