/**
 * `holdfast status`: reports the sources of this device, the repository, the last backups and problems. Makes no
 * request.
 */
import { status as statusOf, type Finding, type HomeStatus } from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { homeOf, knownLocationOf } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { isoTime, showTime } from "../output/format.ts"
import { pathText } from "../output/json-shapes.ts"

const SIGNS = { good: "ok", warning: "!!", bad: "XX" } as const

export const status: Command = async (call) => {
  const nowNs = BigInt(Date.now()) * 1_000_000n
  const found = statusOf(homeOf(call), knownLocationOf(call), nowNs)
  printJson(call, found)
  print(call, found)
  return found.problems.some(({ level }: Finding) => level === "bad") ? EXIT.failed : EXIT.done
}

function printJson(
  { output }: Call,
  { repository, device, lookedNs, sources, others, problems }: HomeStatus,
): void {
  if (!output.json) return
  output.object({
    message_type: "home_status",
    repository: repository?.location ?? null,
    id: repository?.repository ?? null,
    default: repository?.isDefault ?? false,
    device: device?.id ?? null,
    device_label: device?.label ?? null,
    last_look: lookedNs === undefined ? null : isoTime(lookedNs),
    other_repositories: others.map(({ location, repository: id }) => ({ repository: location, id })),
  })
  for (const { series, host, paths, snapshot, lastRunNs } of sources) {
    output.object({
      message_type: "source_status",
      series,
      hostname: host,
      paths: paths.map(pathText),
      snapshot_id: snapshot.digest,
      time: isoTime(snapshot.timeNs),
      last_run: lastRunNs === undefined ? null : isoTime(lastRunNs),
    })
  }
  for (const problem of problems) output.object({ message_type: "finding", ...problem })
}

function print(
  { output }: Call,
  { repository, device, lookedNs, sources, others, problems }: HomeStatus,
): void {
  if (output.json) return
  if (repository !== undefined) {
    const { location, repository: id, isDefault } = repository
    output.line(`repository  ${id.slice(0, 8)} at ${location}${isDefault ? " (default)" : ""}`)
  }
  if (device !== undefined) output.line(`device      ${device.id.slice(0, 8)} ${device.label}`.trimEnd())
  if (lookedNs !== undefined) output.line(`last look   ${showTime(lookedNs)}`)
  if (sources.length > 0) {
    const rows = sources.map(({ series, host, paths, snapshot, lastRunNs }) => [
      series,
      host,
      snapshot.shortId,
      showTime(snapshot.timeNs),
      lastRunNs === undefined ? "" : showTime(lastRunNs),
      paths.map(pathText).join(" "),
    ])
    const [header = "", ...lines] = table(["series", "host", "snapshot", "time", "last run", "paths"], rows)
    output.line("")
    output.heading(header)
    for (const line of lines) output.line(line)
  }
  if (others.length > 0 && repository !== undefined) output.line("")
  for (const { location, repository: id } of others)
    output.line(`also known  ${id.slice(0, 8)} at ${location}`)
  if (problems.length > 0 && (repository !== undefined || others.length > 0)) output.line("")
  for (const { level, subject, message, advice } of problems) {
    output.line(`${SIGNS[level]}  ${subject}: ${message}`)
    if (advice !== undefined) output.line(`      ${advice}`)
  }
}
