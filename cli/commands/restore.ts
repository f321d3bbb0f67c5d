/** `holdfast restore`: finds the snapshot and the target, runs the engine, reports the result. */
import { monotonicMs } from "../../engine/base/ports.ts"
import { resolve } from "node:path"
import {
  rawPathFromText,
  restore as runRestore,
  type RawPath,
  type RestoreEvent,
  type RestoreRequest,
  type RestoreResult,
  type StayReason,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { namedSnapshot, patternsOf, type Named } from "./filter.ts"
import { showBytes, showCount, showDuration } from "../output/format.ts"
import { itemFields, requestsFields } from "../output/json-shapes.ts"
import { inPlace, type Place } from "./in-place.ts"
import { leftOutInAll, leftOutOfEntry, shown } from "../output/entry-text.ts"
import type { Output } from "../output/output.ts"
import { createPace, paceFields } from "../output/pace.ts"
import type { Progress } from "../output/progress.ts"

export const restore: Command = async (call) => {
  const target = targetOf(call)
  const patterns = patternsOf(call)
  return await withRepository(
    call,
    { write: false, dryRun: call.options.flag("dry-run") },
    async (repository) => {
      const named = await namedSnapshot(call, repository, call.args[0] ?? "latest")
      const progress = call.output.progress("restore")
      const place =
        target === undefined
          ? await inPlace(call, repository, named)
          : { target, whole: true, only: undefined }
      if (!place.whole && call.options.flag("delete")) {
        throw new UsageError(
          "--in-place --delete would remove files that were never backed up. Use --target FOLDER",
        )
      }
      if (target === undefined) call.output.say(`restoring to ${shown(place.target)}`)
      process.umask(call.umask) // folders above the target are the user's own
      const result = await runRestore(
        repository,
        { ...requestOf(call, named, place), ...patterns, countAhead: progress.isShown },
        observer(call, progress),
      )
      progress.wipe()
      report(call, named, result, place.target)
      if (result.errors.length === 0) return EXIT.done
      return result.errors.some(({ kind }) => kind === "corrupt") ? EXIT.damaged : EXIT.failed
    },
  )
}

/** The target, or undefined for the original location. */
function targetOf({ options }: Call): RawPath | undefined {
  const folder = options.text("target")
  if (folder !== undefined) return rawPathFromText(resolve(folder))
  if (options.flag("in-place")) return undefined
  throw new UsageError("No destination: use --target FOLDER, or --in-place for the original location")
}

function requestOf(call: Call, { snapshot, path }: Named, { target, only }: Place): RestoreRequest {
  const { options, output } = call
  return {
    snapshot,
    within: path,
    only,
    target,
    overwrite: (options.text("overwrite") ?? "always") as NonNullable<RestoreRequest["overwrite"]>,
    delete: options.flag("delete"),
    verify: options.flag("verify"),
    sync: (options.text("sync") ?? "end") as NonNullable<RestoreRequest["sync"]>,
    dryRun: options.flag("dry-run"),
    special: options.flag("special"),
    setuid: !options.flag("no-setuid"),
    systemAttributes: options.flag("system-attributes"),
    owners: options.flag("no-owners") ? false : undefined,
    verbose: output.verbose,
  }
}

/** restic's words for what a restore did; "kept" is ours. */
const ACTIONS = {
  restored: "restored",
  updated: "updated",
  equal: "unchanged",
  kept: "kept",
  deleted: "deleted",
  "left-alone": "left_alone",
} as const

const PLANNED: Readonly<Partial<Record<keyof typeof ACTIONS, string>>> = {
  restored: "would restore",
  updated: "would update",
  deleted: "would remove",
}

function observer({ output, options }: Call, progress: Progress): (event: RestoreEvent) => void {
  const pace = createPace(monotonicMs)
  return (event) => {
    if (event.type === "progress") {
      const { filesDone, filesSkipped, filesTotal, bytesDone, bytesSkipped, bytesTotal } = event
      const bytes = bytesDone + bytesSkipped
      progress.update({ files: filesDone + filesSkipped, bytes, bytesTotal })
      if (!output.json || output.quiet) return
      output.object({
        message_type: "status",
        ...paceFields(pace({ bytes, bytesTotal })),
        ...(filesTotal === undefined ? {} : { total_files: filesTotal }),
        files_restored: filesDone,
        files_skipped: filesSkipped,
        files_deleted: event.filesDeleted,
        bytes_restored: bytesDone,
        bytes_skipped: bytesSkipped,
      })
      return
    }
    progress.wipe()
    if (event.type === "error") {
      const { path, message, object } = event
      output.errorObject({
        message_type: "error",
        error: { message },
        during: "restore",
        ...itemFields(path),
        ...(object === undefined ? {} : { object }),
      })
      // a failure to place the file names it already
      const isNamed = message.startsWith(`${shown(path)}: `)
      if (!output.json) output.warn(isNamed ? message : `${shown(path)}: ${message}`)
    } else if (event.type === "stays") {
      const { path, reason } = event
      output.object({ message_type: "verbose_status", action: "not_deleted", ...itemFields(path), reason })
      output.line(`not deleted ${shown(path)}: ${STAYS[reason]}`)
    } else if (event.type === "entry") {
      const action = ACTIONS[event.action]
      const planned = options.flag("dry-run") ? PLANNED[event.action] : undefined
      output.object({ message_type: "verbose_status", action, ...itemFields(event.path) })
      output.line(`${planned ?? action.replace("_", " ").padEnd(9)} ${shown(event.path)}`)
    } else if (event.type === "left-out") {
      const { path, what } = event
      output.object({ message_type: "verbose_status", action: "left_out", ...itemFields(path), what })
      output.line(`left out ${shown(path)}: ${leftOutOfEntry(what)}`)
    } else {
      output.warn(event.message)
    }
  }
}

/** Prints the number of removed extra files, and of those that stay, by reason. */
function reportDeleted(output: Output, result: RestoreResult, dryRun: boolean): void {
  const { filesDeleted, dirsDeleted } = result
  const gone = [
    ...(filesDeleted > 0 ? [showCount(filesDeleted, "extra file")] : []),
    ...(dirsDeleted > 0 ? [showCount(dirsDeleted, "extra folder")] : []),
  ]
  if (gone.length > 0) output.say(`  ${gone.join(" and ")} ${dryRun ? "would be removed" : "removed"}`)
  const counts = (Object.keys(STAYS) as StayReason[]).map(
    (reason) => [reason, result.stayed[reason] ?? 0] as const,
  )
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return
  const reasons = counts.flatMap(([reason, count]) => (count === 0 ? [] : [`${count} ${STAYS[reason]}`]))
  output.say(`  ${showCount(total, "extra item")} not removed: ${reasons.join(", ")}`)
}

const STAYS: Readonly<Record<StayReason, string>> = {
  filter: "excluded by the backup's own filters",
  "other-file-system": "on another file system",
  unread: "where the backup could not read everything",
  mount: "mount points",
  own: "holdfast's own data",
  "not-asked": "not selected by this command",
}

/** Snake case, like all JSON fields. */
function notDeleted({ stayed }: RestoreResult): Record<string, number> {
  return Object.fromEntries(
    Object.entries(stayed).map(([reason, count]) => [reason.replaceAll("-", "_"), count]),
  )
}

function report(
  { output, options }: Call,
  { snapshot }: Named,
  result: RestoreResult,
  target: RawPath,
): void {
  const { filesRestored, filesSkipped, filesDeleted, dirsDeleted, bytesRestored, errors } = result
  const dryRun = options.flag("dry-run")
  output.object({
    message_type: "summary",
    snapshot_id: snapshot.id,
    target: shown(target),
    ...(dryRun ? { dry_run: true } : {}),
    seconds_elapsed: result.durationMs / 1000,
    total_files: filesRestored + filesSkipped,
    files_restored: filesRestored,
    files_skipped: filesSkipped,
    files_kept: result.filesKept,
    files_deleted: filesDeleted,
    dirs_deleted: dirsDeleted,
    not_deleted: notDeleted(result),
    left_alone: result.leftAlone,
    total_bytes: bytesRestored + result.bytesSkipped,
    bytes_restored: bytesRestored,
    bytes_skipped: result.bytesSkipped,
    left_out: result.leftOut,
    errors: errors.length,
    requests: requestsFields(result.requests),
  })
  const would = dryRun ? "dry run: would restore" : "restored"
  output.say(
    `${would} ${showCount(filesRestored, "file")}, ${showBytes(bytesRestored)} of snapshot ${snapshot.shortId} in ${showDuration(result.durationMs)}`,
  )
  const upToDate = filesSkipped - result.filesKept
  if (upToDate > 0) output.say(`  ${showCount(upToDate, "file")} already up to date`)
  if (result.filesKept > 0) {
    const kept = showCount(result.filesKept, "existing file")
    output.say(`  ${kept} kept (--overwrite ${options.text("overwrite") ?? "always"})`)
  }
  reportDeleted(output, result, dryRun)
  if (result.leftAlone > 0)
    output.say(
      `  ${showCount(result.leftAlone, "item")} left alone: inside a repository or holdfast's own folders`,
    )
  const leftOut = leftOutInAll(result, output.verbose)
  if (leftOut !== undefined && !output.json) output.warn(leftOut)
  const failed = errors.filter(({ kind }) => kind !== "unmatched")
  if (failed.length > 0) {
    const next = failed.some(({ kind }) => kind === "corrupt")
      ? "Run `holdfast check --read-data` to list the damage"
      : "Fix the cause, then run the command again to resume"
    output.warn(`${showCount(failed.length, "item")} could not be restored. ${next}`)
  }
}
