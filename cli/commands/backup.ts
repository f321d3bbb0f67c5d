/** `holdfast backup`: from flags to the engine's request, its events to lines, its result to a summary. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { constants, createReadStream, fstatSync, readFileSync, statSync } from "node:fs"
import { hostname, userInfo } from "node:os"
import { resolve } from "node:path"
import { errnoOf, errnoText } from "../../engine/base/errno.ts"
import { monotonicMs } from "../../engine/base/ports.ts"
import {
  backup as runBackup,
  GIT_IGNORE_FILE,
  IGNORE_FILE,
  rawPathFromText,
  requireBudget,
  shellWord,
  type BackupEvent,
  type BackupRequest,
  type BackupResult,
  type ProviderId,
  type RawPath,
  type Repository,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { CommandFailed, EXIT, isEngineError, UsageError } from "../output/exit-codes.ts"
import { tagsOf } from "./filter.ts"
import { showBytes, showCount, showDuration, showNumber } from "../output/format.ts"
import { itemFields, pathText, requestsFields, summaryFields } from "../output/json-shapes.ts"
import { createPace, paceFields } from "../output/pace.ts"
import type { Progress } from "../output/progress.ts"
import { shown } from "../output/entry-text.ts"
import { parseBudget, parseSize, parseTime } from "../verbs/sizes.ts"

export const backup: Command = async (call) => {
  const input = openInput(call)
  const request = requestOf(call, input)
  return await withRepository(
    call,
    { write: request.dryRun !== true, dryRun: request.dryRun },
    async (repository) => {
      await keepToBudget(call, repository, request)
      const progress = call.output.progress(request.dryRun === true ? "backup (dry run)" : "backup")
      const watched = { ...request, countAhead: progress.isShown }
      const result = await runBackup(repository, watched, observer(call, progress)).catch(twoCommands)
      progress.wipe()
      report(call, result)
      return result.errors.length > 0 ? EXIT.someUnread : EXIT.done
    },
  )
}

/** The series of a source is asked for once: later runs find the answer in the log. */
function twoCommands(error: unknown): never {
  if (!isEngineError(error) || error.code !== "series-taken") throw error
  const { what, series, other } = error.detail as Record<string, string>
  const words = process.argv.slice(2)
  const end = words.indexOf("--")
  const at = end < 0 ? words.length : end
  const command = (name = ""): string =>
    ["holdfast", ...[...words.slice(0, at), "--series", name, ...words.slice(at)].map(shellWord)].join(" ")
  throw new CommandFailed(
    [
      `${what ?? error.message}. Choose once; later backups need no --series:`,
      `  ${command(series)}    continues that series`,
      `  ${command(other)}    starts a series for this source`,
    ].join("\n"),
  )
}

function requestOf(call: Call, stream: Stream | undefined): BackupRequest {
  const { options } = call
  const paths = options.flag("stdin-from-command") ? [] : call.args.map(rawPathFromText)
  const filesFrom = filesFromOf(call)
  checkSource(stream !== undefined, paths.length + (filesFrom?.length ?? 0))
  const name = rawPathFromText(options.text("stdin-filename") ?? "stdin")
  const time = options.text("time")
  return {
    paths,
    filesFrom,
    stdin: stream === undefined ? undefined : { name, stream },
    cwd: rawPathFromText(process.cwd()),
    series: options.text("series"),
    host: options.text("host") ?? hostname(),
    user: userName(),
    tags: [...new Set(tagsOf(call))],
    timeNs: time === undefined ? undefined : parseTime(time, "time"),
    trigger: options.text("trigger") ?? "manual",
    force: options.flag("force"),
    forceSnapshot: options.flag("force-snapshot"),
    dryRun: options.flag("dry-run"),
    verbose: call.output.verbose,
    selection: selectionOf(call),
    ...(options.flag("sqlite") ? { capture: { sqlite: true } } : {}),
  }
}

async function keepToBudget(call: Call, repository: Repository, request: BackupRequest): Promise<void> {
  const text = call.options.text("budget")
  if (text === undefined) return
  await requireBudget(repository, { ...request, provider: pricedAs(call) }, parseBudget(text))
}

/** One of the flag's choices; undefined means the provider of the store. */
export function pricedAs({ options }: Call): ProviderId | undefined {
  return options.text("provider") as ProviderId | undefined
}

/** Undefined without the flag. */
export function filesFromOf({ options }: Call): RawPath[] | undefined {
  const lists = options.list("files-from")
  if (lists.length === 0) return undefined
  const paths = lists.flatMap(readPathList)
  if (paths.length === 0) throw new UsageError(`--files-from ${lists.join(", ")}: there are no paths in it`)
  return paths
}

export function checkSource(streams: boolean, paths: number): void {
  if (!streams && paths === 0) {
    throw new UsageError("backup needs a path, e.g. holdfast backup ~/notes")
  }
  if (streams && paths > 0)
    throw new UsageError("--stdin backs up standard input alone. Give no paths with it")
}

export function selectionOf({ options }: Call): BackupRequest["selection"] {
  const size = options.text("exclude-larger-than")
  const ignoreFiles = options.flag("no-holdfast-ignore") ? [] : [IGNORE_FILE]
  if (options.flag("git-ignore")) ignoreFiles.push(GIT_IGNORE_FILE)
  return {
    includes: options.list("include").map(rawPathFromText),
    excludes: options.list("exclude").map(rawPathFromText),
    iexcludes: options.list("iexclude").map(rawPathFromText),
    excludeFiles: options.list("exclude-file").map((file) => rawPathFromText(resolve(file))),
    ignoreFiles,
    excludeCaches: options.flag("exclude-caches"),
    excludeIfPresent: options.list("exclude-if-present").map(rawPathFromText),
    ...(size === undefined ? {} : { excludeLargerThan: parseSize(size, "exclude-larger-than") }),
    oneFileSystem: options.flag("one-file-system"),
  }
}

/** A machine may run holdfast under a user id that has no name. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "")
  }
}

/** One path per line, as bytes; empty lines are ignored. */
function readPathList(file: string): RawPath[] {
  try {
    const lines = readFileSync(file === "-" ? 0 : file, "latin1").split(/\r?\n/)
    return lines.filter((line) => line !== "") as RawPath[]
  } catch (error) {
    throw new UsageError(`--files-from ${file} cannot be read: ${errnoText(errnoOf(error))}`)
  }
}

type Stream = AsyncIterable<Uint8Array>

function openInput(call: Call): Stream | undefined {
  if (call.options.flag("stdin-from-command")) {
    const [program, ...args] = call.args
    if (program === undefined) throw new UsageError("--stdin-from-command needs a command, after --")
    return commandOutput(program, args)
  }
  return call.options.flag("stdin") ? standardInput() : undefined
}

/** Ends with an error when the command fails: an incomplete output is not a backup. */
async function* commandOutput(program: string, args: readonly string[]): AsyncGenerator<Uint8Array> {
  const child = spawn(program, args, { stdio: ["inherit", "pipe", "inherit"] })
  const ended = once(child, "close")
  ended.catch(() => {})
  yield* child.stdout
  let outcome: unknown[]
  try {
    outcome = await ended
  } catch (cause) {
    throw new CommandFailed(`${program} could not be started: ${errnoText(errnoOf(cause))}`)
  }
  const [code, signal] = outcome as [number | null, string | null]
  if (code !== 0) {
    const how = code === null ? `was killed by ${signal}` : `exited with ${code}`
    throw new CommandFailed(`${program} ${how}. No snapshot was made`)
  }
}

/** restic's words for what a backup found. */
const ACTIONS = { new: "new", changed: "modified", removed: "removed" } as const

function observer({ output, args }: Call, progress: Progress): (event: BackupEvent) => void {
  const source = args[0] === undefined ? "." : shown(rawPathFromText(args[0]))
  const pace = createPace(monotonicMs)
  return (event) => {
    if (event.type === "progress") {
      const { filesDone, filesTotal, bytesDone, bytesTotal, current } = event
      progress.update({ files: filesDone, bytes: bytesDone, bytesTotal, current: current && shown(current) })
      if (!output.json || output.quiet) return
      output.object({
        message_type: "status",
        ...paceFields(pace({ bytes: bytesDone, bytesTotal })),
        ...(filesTotal === undefined ? {} : { total_files: filesTotal }),
        files_done: filesDone,
        bytes_done: bytesDone,
        error_count: event.errors,
        current_files: current === undefined ? [] : [pathText(current)],
      })
      return
    }
    progress.wipe()
    if (event.type === "error") {
      const { path, message } = event
      output.errorObject({ message_type: "error", error: { message }, during: "backup", ...itemFields(path) })
      if (!output.json) output.warn(`${path === "" ? source : shown(path)}: ${message}`)
    } else if (event.type === "entry") {
      const action = ACTIONS[event.action]
      output.object({ message_type: "verbose_status", action, ...itemFields(event.path) })
      output.line(`${event.action.padEnd(8)} ${shown(event.path)}`)
    } else {
      output.warn(event.message)
    }
  }
}

function report({ output, options }: Call, result: BackupResult): void {
  const { summary, snapshotId } = result
  const dryRun = options.flag("dry-run")
  output.object({
    message_type: "summary",
    snapshot_id: snapshotId,
    parent: result.parentId,
    series: result.series,
    flag: result.flag,
    files_removed: result.filesRemoved,
    ...(dryRun ? { dry_run: true } : {}),
    ...summaryFields(summary),
    total_duration: result.durationMs / 1000,
    errors: result.errors.length,
    requests: requestsFields(result.requests),
  })
  const read = `${showCount(summary.files, "file")}, ${showBytes(summary.bytes)} in ${showDuration(result.durationMs)}`
  if (snapshotId === null) {
    output.say(dryRun ? `dry run: ${read}; nothing was written` : `nothing changed: ${read}`)
  } else {
    output.say(`snapshot ${snapshotId.slice(0, 8)}: ${read}`)
  }
  if (snapshotId !== null || dryRun) {
    const { filesNew, filesChanged, filesUnmodified, dataAddedPacked } = summary
    output.say(
      `  ${showNumber(filesNew)} new, ${showNumber(filesChanged)} changed, ${showNumber(filesUnmodified)} unmodified; ${showBytes(dataAddedPacked)} ${dryRun ? "would be stored" : "stored"}`,
    )
  }
  if (result.errors.length > 0) {
    output.warn(`${showCount(result.errors.length, "item")} could not be read; everything else was saved`)
  }
}

/** Node's own `process.stdin` ends at once, without an error, if it is a block device or a folder. */
function standardInput(): AsyncIterable<Uint8Array> {
  const stat = fstatSync(0)
  if (stat.isDirectory())
    throw new UsageError("standard input is a folder. To save a folder, name it: holdfast backup FOLDER")
  if (isClosed())
    throw new UsageError("--stdin: standard input is closed or /dev/null. Pipe the data into it")
  const isRead = stat.isFile() || stat.isBlockDevice() || (stat.isCharacterDevice() && !process.stdin.isTTY)
  return isRead ? createReadStream("", { fd: 0, autoClose: false }) : process.stdin
}

/**
 * Whether standard input was closed when Node started. Node then opens /dev/null for reading and writing. A shell's
 * `</dev/null` opens it for reading only, which is an empty input. False without procfs.
 */
function isClosed(): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/fdinfo/0", "latin1"))?.[1] ?? "0"
    return fstatSync(0).rdev === statSync("/dev/null").rdev && (parseInt(flags, 8) & constants.O_RDWR) !== 0
  } catch {
    return false
  }
}
