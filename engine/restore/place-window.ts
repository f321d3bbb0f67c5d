/**
 * Places one window of files:
 *
 *     compare → plan → fetch → unseal → join → place → report
 *
 * Files that exist in the target are compared first, so only missing chunks are fetched. Then content comes
 * pack by pack, in jobs of a few frames. The threads of `place/` do unseal, join and place.
 */
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import { fetchFrames, type FetchedFrames } from "../packs/open-pack.ts"
import type { Repository } from "../session/repository.ts"
import { compareWithTarget, verifyFiles, type Comparing } from "./compare.ts"
import type { Flusher } from "./flusher.ts"
import type { Failure, PlacerOptions } from "./place/place-jobs.ts"
import { comparingPool, inlinePlacePool, threadPlacePool, type PlacePool } from "./place/place-pool.ts"
import {
  filesOf,
  jobsOf,
  placeFrames,
  planFiles,
  sealedBytesOf,
  type FramePlan,
  type Job,
  type PackPlan,
  type Plan,
} from "./plan.ts"
import type { RestoreRequest } from "./restore-request.ts"
import type { DecidedFile } from "./tree.ts"
import { createWindowFiles, sharedFiles, wantedFiles, type Wanted, type WindowFiles } from "./window-files.ts"

/** Packs that a window has in memory at once. */
const PACKS_AT_ONCE = 2
/** Shared files (window-files.ts) stay open until their window ends. A window with more is split. */
const SHARED_FILES_MAX = 2_000

interface WindowPorts extends Omit<Comparing, "pool" | "sharedInodes"> {
  readonly repository: Repository
  readonly request: RestoreRequest
  readonly flusher: Flusher
}

interface Window extends WindowPorts, Comparing {
  readonly repository: Repository
  readonly pool: PlacePool
}

/** Places the windows of one restore. */
export interface WindowPlacer {
  /** @param isLast no other window follows */
  place(files: readonly DecidedFile[], isLast: boolean): Promise<void>
  /** Uses worker threads instead of this thread. Has no effect after the first window, or in a dry run. */
  startThreads(): void
  close(): Promise<void>
}

export function createWindowPlacer(ports: WindowPorts, options: PlacerOptions): WindowPlacer {
  const { dryRun: isDry = false, verify = false } = ports.request
  const sharedInodes = new Set<string>()
  let pool: PlacePool | undefined
  return {
    async place(files, isLast) {
      pool ??= isDry ? comparingPool(options) : inlinePlacePool(options)
      const window: Window = { ...ports, pool, sharedInodes }
      const standing = await compareWithTarget(window, files)
      await placeFiles(window, wantedFiles(files, standing), isLast)
      if (verify && !isDry) await verifyFiles(window, files)
    },
    startThreads() {
      if (!isDry) pool ??= threadPlacePool(options)
    },
    async close() {
      await pool?.close()
    },
  }
}

/** The files of a window that are planned together. */
interface WindowRun {
  readonly window: Window
  readonly plan: Plan
  readonly files: WindowFiles
}

async function placeFiles(window: Window, files: readonly Wanted[], isLast: boolean): Promise<void> {
  const plan = planFiles(files, window.repository.index)
  const jobs = plan.packs.flatMap(jobsOf)
  const shared = sharedFiles(files, plan, jobs)
  if (shared.size > SHARED_FILES_MAX && files.length > 1) {
    const half = files.length >> 1
    await placeFiles(window, files.slice(0, half), false)
    return placeFiles(window, files.slice(half), isLast)
  }
  for (const [position, message] of plan.broken) {
    const { path } = files[position] as Wanted
    window.progress.failed({ path, message, kind: "corrupt" })
  }
  const run: WindowRun = { window, plan, files: createWindowFiles(window, files, shared) }
  if (window.request.dryRun === true) return placeDry(run)
  await placeEmpty(run)
  await beginOwn(run)
  let jobsLeft = jobs.length
  const beforeJob = async (): Promise<void> => {
    await window.pool.room()
    if (--jobsLeft === 0 && isLast) window.flusher.nearlyDone()
  }
  if (window.repository.store.lend !== undefined) return placeLent(run, jobs, beforeJob)
  await forEachBounded(plan.packs, PACKS_AT_ONCE, (pack) =>
    placeFetched(
      run,
      jobs.filter((job) => job.plan === pack),
      beforeJob,
    ),
  )
}

/** Fetches nothing. The target reports what it would refuse. */
function placeDry({ files, plan }: WindowRun): void {
  for (const position of files.all.keys()) if (!plan.broken.has(position)) files.placeDry(position)
}

/** Files without content need no pack. */
async function placeEmpty({ files, plan, window }: WindowRun): Promise<void> {
  const empty = [...files.all.keys()].filter(
    (position) => plan.pieceCounts[position] === 0 && !plan.broken.has(position) && !files.isShared(position),
  )
  if (empty.length === 0) return
  // no frame, so none is opened
  const pack = { name: "0".repeat(64) as Digest, sizeBytes: 0, epoch: 0, salt: new Uint8Array(0) }
  const asked = empty.map((position) => files.forJob(position, 0))
  const placed = await window.pool.place({ pack, packFile: undefined, frames: [], files: asked })
  if (placed !== "unread") files.report(empty, placed)
}

/** Copies chunks from existing files into their replacements. */
async function beginOwn({ window, files }: WindowRun): Promise<void> {
  for (const position of files.sharedPositions) {
    const { own, standing, ids } = files.all[position] as Wanted
    if (own?.includes(1) !== true || standing?.state !== "differs") continue
    const begun = files.begin(position)
    if (begun === undefined) continue
    const failure = await window.pool.own({ begun, ids, lengths: standing.lengths, wanted: own })
    if (failure !== undefined) files.fail(position, failure)
    files.finishIfDone(position)
  }
}

/** Each thread reads packs of a local folder itself. What it can't read is asked of the store, which knows why. */
async function placeLent(
  run: WindowRun,
  jobs: readonly Job[],
  beforeJob: () => Promise<void>,
): Promise<void> {
  await eachJob(jobs, beforeJob, async (job) => {
    if (!(await placeJob(run, job, undefined))) await placeFetched(run, [job], async () => {})
  })
}

async function placeFetched(
  run: WindowRun,
  jobs: readonly Job[],
  beforeJob: () => Promise<void>,
): Promise<void> {
  const { window } = run
  const { plan } = jobs[0] as Job // each pack of a plan has a frame
  const frames = jobs.flatMap((job) => job.frames)
  let fetched: FetchedFrames
  try {
    fetched = await fetchFrames(
      window.repository.store,
      plan.pack,
      frames.map(({ frame }) => frame),
    )
  } catch (error) {
    return failJobs(run, jobs, fetchFailure(error, plan))
  }
  const bytesOf = new Map(frames.map((frame, i) => [frame, fetched.sealed[i] as Bytes]))
  await eachJob(jobs, beforeJob, (job) => placeJob(run, job, bytesOf))
  fetched.free()
}

/** Begins one job after the other and waits for all. */
async function eachJob(
  jobs: readonly Job[],
  beforeJob: () => Promise<void>,
  work: (job: Job) => Promise<unknown>,
): Promise<void> {
  const running: Promise<unknown>[] = []
  for (const job of jobs) {
    await beforeJob()
    const working = work(job)
    working.catch(() => {}) // noticed where all are awaited
    running.push(working)
  }
  await Promise.all(running)
}

/** @returns false when the thread could not read the pack, and has done nothing */
async function placeJob(
  run: WindowRun,
  job: Job,
  fetched: ReadonlyMap<FramePlan, Bytes> | undefined,
): Promise<boolean> {
  const { files, window } = run
  const { pack } = job.plan
  const positions = [...filesOf(job.frames)]
  for (const position of positions) files.begin(position)
  const local = new Map(positions.map((position, i) => [position, i]))
  const counts = new Uint32Array(positions.length)
  const bytes = new Float64Array(positions.length)
  const frames = placeFrames(job, files.all, fetched, (position, length) => {
    const file = local.get(position) as number // filesOf has them all
    counts[file] = (counts[file] as number) + 1
    bytes[file] = (bytes[file] as number) + length
    return file
  })
  const asked = positions.map((position, i) => files.forJob(position, counts[i] as number))
  const packFile =
    fetched === undefined
      ? window.repository.store.lend?.(packName(pack.name), sealedBytesOf(job))
      : undefined
  const placed = await window.pool.place({ pack, packFile, frames, files: asked })
  if (placed === "unread") return false
  files.report(positions, placed)
  positions.forEach((position, file) => files.jobDone(position, bytes[file] as number))
  window.flusher.written(job.frames.reduce((sum, { frame }) => sum + frame.rawLength, 0))
  return true
}

/** A missing or short pack damages only the files that need it. */
function fetchFailure(error: unknown, plan: PackPlan): Failure {
  const object = packName(plan.pack.name)
  if (isEngineError(error) && error.kind === "not-found")
    return { kind: "corrupt", object, message: `${object}: missing from the store` }
  if (isEngineError(error) && error.kind === "corrupt")
    return { kind: "corrupt", object, message: error.message }
  throw error
}

function failJobs({ files }: WindowRun, jobs: readonly Job[], failure: Failure): void {
  for (const job of jobs) {
    const positions = [...filesOf(job.frames)]
    for (const position of positions) files.begin(position)
    files.report(positions, { failures: positions.map((_, file) => ({ file, ...failure })), leftOut: [] })
    for (const position of positions) files.jobDone(position, 0)
  }
}
