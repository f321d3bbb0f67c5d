/**
 * One backup of an agent, from its set-up to its record: opens the repository, looks for secrets, lets the engine back
 * up with the wipe rule as the flag, and writes what came of it to the record and the log. The caller holds the lock
 * of runs (queue.ts); a restore makes its `pre-restore` snapshot by the same function.
 */
import { hostname, userInfo } from "node:os"
import { setTimeout } from "node:timers/promises"
import {
  backup,
  entries,
  localSnapshots,
  showPath,
  type BackupObserver,
  type BackupRequest,
  type BackupResult,
  type Digest,
  type RawPath,
  type Repository,
  type SnapshotFlag,
  type LocalSnapshots,
} from "../../../engine/index.ts"
import type { Warning } from "../results.ts"
import type { RunContext } from "./context.ts"
import { logRun, prepareLog } from "./log.ts"
import { needsPerson, problemOf, repositoryWarnings } from "./problems.ts"
import { type RunFound, withRecord } from "./record.ts"
import { scanForSecrets } from "./secrets.ts"
import { sourceOf, workspacePath } from "./source.ts"
import { matcher, type Sizes, suspectWipe } from "./wipe.ts"

type Judged = LocalSnapshots["snapshots"][number]

export interface OnceRequest {
  /** All that asked for the run. */
  readonly triggers: readonly string[]
  readonly label?: string | undefined
  /** Undefined: decided by the wipe rule. A given flag always makes a snapshot. */
  readonly flag?: "pre-restore" | undefined
  /** A flagged snapshot that the new one declares good. */
  readonly accepts?: Digest | undefined
  readonly observe?: BackupObserver | undefined
  /** Called with the run's number just before the scan. */
  readonly begun?: ((id: number) => void) | undefined
}

export interface OnceResult extends RunFound {
  readonly id: number
  readonly outcome: "created" | "unchanged"
  readonly endedMs: number
}

/** A backup of a person's own may use the series for this long. */
const BUSY_TRIES = 120
const BUSY_WAIT_MS = 500

/** @throws what the engine throws; the failure is recorded first */
export async function backupOnce(context: RunContext, request: OnceRequest): Promise<OnceResult> {
  const { setup, by } = context
  const startedMs = Date.now()
  const id = withRecord(setup, (record) => record.begin({ startedMs, by, triggers: request.triggers }))
  request.begun?.(id)
  try {
    prepareLog(setup)
    const found = await findAndBackUp(context, request)
    const outcome = found.created ? "created" : "unchanged"
    const endedMs = Date.now()
    const unlogged = logRun(context, request.triggers, { ...found.run, id, outcome, endedMs })
    const warnings = unlogged === undefined ? found.run.warnings : [...found.run.warnings, unlogged]
    const run = { ...found.run, warnings }
    withRecord(setup, (record) => record.end(id, outcome, { endedMs, found: run }))
    return { ...run, id, outcome, endedMs }
  } catch (error) {
    fail(context, { id, startedMs, triggers: request.triggers }, error)
    throw error
  }
}

/** Records a run that failed before it could begin. */
export function recordFailure(context: RunContext, triggers: readonly string[], error: unknown): void {
  const { setup, by } = context
  const startedMs = Date.now()
  const id = withRecord(setup, (record) => record.begin({ startedMs, by, triggers }))
  fail(context, { id, startedMs, triggers }, error)
}

interface Failing {
  readonly id: number
  readonly startedMs: number
  readonly triggers: readonly string[]
}

function fail(context: RunContext, { id, startedMs, triggers }: Failing, error: unknown): void {
  const endedMs = Date.now()
  const found = {
    ...NOTHING,
    durationMs: endedMs - startedMs,
    problem: problemOf(error, context.setup.destination),
  }
  const recorded: RunFound = needsPerson(error) ? { ...found, needsPerson: true } : found
  try {
    withRecord(context.setup, (record) => record.end(id, "failed", { endedMs, found: recorded }))
    logRun(context, triggers, { ...found, id, outcome: "failed", endedMs })
  } catch {
    // a full disk, say: the caller hears of the run's own error, and the next run records this one as killed
  }
}

const NOTHING: RunFound = {
  snapshot: null,
  parent: null,
  flag: null,
  files: { new: 0, changed: 0, removed: 0, unchanged: 0 },
  bytes: { scanned: 0, new: 0, uploaded: 0 },
  durationMs: 0,
  warnings: [],
}

interface Found {
  readonly created: boolean
  readonly run: RunFound
}

async function findAndBackUp(context: RunContext, request: OnceRequest): Promise<Found> {
  const { setup } = context
  const repository = await setup.openRepository()
  try {
    const secrets = await scanForSecrets(setup, repository.store.folder)
    let wipe: string | undefined
    const engineRequest: BackupRequest = {
      ...sourceOf(setup, secrets.blocked),
      series: setup.series,
      host: hostname(),
      user: userName(),
      trigger: mainTrigger(request.triggers),
      label: request.label,
      accepts: request.accepts,
      capture: setup.capture,
      flag:
        request.flag ??
        (async (listing): Promise<SnapshotFlag> => {
          wipe = await wipeIn(context, {
            repository,
            files: () => listing.files(),
            leftOut: secrets.blocked,
            accepts: request.accepts,
          })
          return wipe === undefined ? null : "suspected-wipe"
        }),
    }
    const observe = request.observe ?? (() => {})
    const result = await backUpForLatest(context, repository, engineRequest, observe)
    const warnings = [
      ...secrets.warnings,
      ...leftOut(result),
      ...rawCaptures(result),
      ...repositoryWarnings(setup, repository),
    ]
    const { run, created } = resultOf(context, repository, result)
    if (run.flag === "suspected-wipe") warnings.push(wipeWarning(run.snapshot ?? "", wipe))
    return { created, run: { ...run, warnings } }
  } finally {
    repository.close()
  }
}

/**
 * A workspace that is equal to the undo of a restore has changed nothing, but `latest` skips that snapshot. So either
 * the last good one has the same content, or the workspace gets an ordinary snapshot.
 */
async function backUpForLatest(
  context: RunContext,
  repository: Repository,
  request: BackupRequest,
  observe: BackupObserver,
): Promise<BackupResult> {
  const result = await backUp(repository, request, observe)
  const parent = newestOf(context, repository).find(({ digest }) => digest === result.parentId)
  if (result.snapshotId !== null || parent?.flag !== "pre-restore") return result
  const good = lastGood(context, repository, undefined)
  if (good !== undefined && Buffer.from(good.root.id).equals(parent.root.id))
    return { ...result, parentId: good.digest }
  return await backUp(repository, { ...request, forceSnapshot: true }, observe)
}

/** Waits while a backup that a person started uses the series. */
async function backUp(
  repository: Repository,
  request: BackupRequest,
  observe: BackupObserver,
): Promise<BackupResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await backup(repository, request, observe)
    } catch (error) {
      if (problemOf(error).code !== "busy" || tries === BUSY_TRIES) throw error
      await setTimeout(BUSY_WAIT_MS)
    }
  }
}

function rawCaptures({ rawDatabases }: BackupResult): Warning[] {
  return rawDatabases.map(({ path, message }) => ({
    code: "raw-capture",
    message: `${showPath(path)} was saved as it is, which may not be one state of the database: ${message}`,
    hint: "back up again when its program is idle or stopped",
  }))
}

function resultOf(context: RunContext, repository: Repository, result: BackupResult): Found {
  const { summary, snapshotId, parentId, filesRemoved, requests } = result
  const created = snapshotId !== null
  // an equal workspace has the flag of the snapshot that it is equal to
  const parent = created ? undefined : newestOf(context, repository).find(({ digest }) => digest === parentId)
  const flag = parent === undefined || parent.good ? result.flag : parent.flag
  return {
    created,
    run: {
      snapshot: snapshotId ?? parentId,
      parent: created ? parentId : null,
      flag,
      files: {
        new: summary.filesNew,
        changed: summary.filesChanged,
        removed: filesRemoved,
        unchanged: summary.filesUnmodified,
      },
      bytes: { scanned: summary.bytes, new: summary.dataAdded, uploaded: requests.bytesUp },
      durationMs: Math.round(result.durationMs),
      warnings: [],
    },
  }
}

/** The newest ones are enough to find the last good one, as a rule. */
const NEWEST = 50

function newestOf({ setup: { home, series } }: RunContext, { location }: Repository): readonly Judged[] {
  return localSnapshots(home, location, { series, newest: NEWEST })?.snapshots ?? []
}

function lastGood(
  context: RunContext,
  repository: Repository,
  accepts: Digest | undefined,
): Judged | undefined {
  const isGood = ({ good, digest }: Judged): boolean => good || digest === accepts
  const { home, series } = context.setup
  return (
    newestOf(context, repository).findLast(isGood) ??
    localSnapshots(home, repository.location, { series })?.snapshots.findLast(isGood)
  )
}

interface Commit {
  readonly repository: Repository
  readonly files: () => AsyncIterable<{ readonly path: RawPath; readonly size: number }>
  readonly leftOut: ReadonlySet<RawPath>
  readonly accepts: Digest | undefined
}

/** Why the new listing looks like a wipe, compared with the last good snapshot; undefined if it does not. */
async function wipeIn(context: RunContext, commit: Commit): Promise<string | undefined> {
  const { setup, isTemplate = () => false } = context
  const { repository, files, leftOut, accepts } = commit
  const good = lastGood(context, repository, accepts)
  if (good === undefined) return undefined
  const { memory } = setup
  const isMemory = matcher([...memory.files, ...memory.core])
  const within = "workspace" as RawPath
  const old = entries(repository, good, { within })
  return suspectWipe({
    memory,
    before: await memoryIn(old, isMemory),
    after: await memoryIn(files(), isMemory),
    isTemplate,
    leftOut: new Set([...leftOut].flatMap((path) => workspacePath(path) ?? [])),
  })
}

async function memoryIn(
  files: AsyncIterable<{ readonly path: RawPath; readonly size: number; readonly type?: string }>,
  isMemory: (path: string) => boolean,
): Promise<Sizes> {
  const sizes = new Map<string, number>()
  for await (const { path, size, type = "file" } of files) {
    const inside = type === "file" ? workspacePath(path) : undefined
    if (inside !== undefined && isMemory(inside)) sizes.set(inside, size)
  }
  return sizes
}

function wipeWarning(snapshot: string, why = "much of the memory is missing"): Warning {
  return {
    code: "suspected-wipe",
    message: `${why}, compared with the last good snapshot. This snapshot is flagged, and "latest" does not mean it`,
    hint: `to get the files back: holdfast agent restore latest; if the change is right: holdfast agent accept ${snapshot.slice(0, 8)}`,
  }
}

function leftOut({ errors }: BackupResult): Warning[] {
  const [first] = errors
  if (first === undefined) return []
  const more = errors.length === 1 ? "" : `, and ${errors.length - 1} more`
  const message = `could not be read and left out: ${showPath(first.path)} (${first.message})${more}`
  return [{ code: "files-left-out", message, hint: "check their owner and mode" }]
}

export function mainTrigger(triggers: readonly string[]): string {
  return triggers.find((each) => each !== "interval") ?? "interval"
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "")
  }
}
