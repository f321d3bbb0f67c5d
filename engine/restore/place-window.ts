/**
 * Fetch and place, for one window of files: what stands in the target is compared first, so that only
 * missing chunks are fetched; then pack by pack, each in jobs of a few blocks. A file whose pieces are
 * all in one job is written by its thread from start to end; one that several jobs write to is begun
 * and finished here.
 */
import { forEachBounded } from "../base/concurrency.ts"
import type { Bytes } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import { compareWithTarget } from "./compare.ts"
import type { DecidedFile } from "./decide.ts"
import { fetchFrames, type FetchedFrames } from "../packs/open-pack.ts"
import { filesOf, jobsOf, placeFrames, sealedBytesOf, type Job } from "./place/jobs.ts"
import type { Placed, PlaceFailure } from "./place/place-jobs.ts"
import { failureOf } from "./place/placer.ts"
import { planFiles, type FramePlan, type PackPlan } from "./plan.ts"
import { beginShared, failShared, finishShared, jobDone, sharedFiles } from "./place/shared-files.ts"
import { placeFile, type Shared, type Wanted, type Window, type WindowRun } from "./place/window-run.ts"

/** Packs in memory of each window. */
const PACKS_AT_ONCE = 2
/** Files that several jobs write to are open all the while. */
const SHARED_FILES_MAX = 2_000

/** @param isLast no other window follows */
export async function placeWindow(
  window: Window,
  files: readonly DecidedFile[],
  isLast: boolean,
): Promise<void> {
  const standing = await compareWithTarget(window, files)
  const wanted: Wanted[] = []
  files.forEach((file, i) => {
    const found = standing[i]
    if (found?.state === "done") return
    wanted.push({ ...file, standing: found, size: file.entry.size, own: found?.equal })
  })
  await placeFiles(window, wanted, isLast)
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
  const run: WindowRun = { window, files, plan, shared }
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

/** Nothing is fetched; the target says what it would refuse. */
function placeDry(run: WindowRun): void {
  const { files, plan, window } = run
  for (const [position, { path, entry }] of files.entries()) {
    if (plan.broken.has(position)) continue
    try {
      const { metadata, replace, sync } = placeFile(run, position, 0)
      const file = window.target.beginFile(path, entry.size, entry.sparse)
      const leftOut = window.target.finishFile(file, metadata, { replace, sync })
      window.progress.entry(path, "restored", entry.size)
      window.progress.leftOut(path, leftOut)
    } catch (error) {
      window.progress.failed({ path, ...failureOf(error) })
    }
  }
}

/** Files without content need no pack. */
async function placeEmpty(run: WindowRun): Promise<void> {
  const { files, plan, shared, window } = run
  const empty = [...files.keys()].filter(
    (position) => plan.pieceCounts[position] === 0 && !plan.broken.has(position) && !shared.has(position),
  )
  if (empty.length === 0) return
  const pack = { name: "0".repeat(64) as Digest, sizeBytes: 0, epoch: 0, salt: new Uint8Array(0) } // no frame, so none is opened
  const asked = empty.map((position) => placeFile(run, position, 0))
  const placed = await window.pool.place({ pack, packFile: undefined, frames: [], files: asked })
  if (placed !== "unread") report(run, empty, placed)
}

/** Takes over the chunks that standing files have in place. */
async function beginOwn({ window, files, shared, plan }: WindowRun): Promise<void> {
  const run = { window, files, shared, plan }
  for (const [position, state] of shared) {
    const { own, standing, ids } = files[position] as Wanted
    if (own?.includes(1) !== true || standing?.state !== "differs") continue
    const begun = beginShared(run, position, state)
    if (begun === undefined) continue
    const failure = await window.pool.own({ begun, ids, lengths: standing.lengths, wanted: own })
    if (failure !== undefined) failShared(run, position, state, failure)
    if (state.jobsLeft === 0) finishShared(run, position, state)
  }
}

/** Out of a folder each thread reads for itself. What it can't read is asked of the store, which knows why. */
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
  const { plan } = jobs[0] as Job // a pack that is wanted has a frame that is wanted
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

/** Begins one job after the other, and waits for all. */
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
  const { shared, window } = run
  const { pack } = job.plan
  const positions = [...filesOf(job.frames)]
  for (const position of positions) {
    const state = shared.get(position)
    if (state !== undefined) beginShared(run, position, state)
  }
  const local = new Map(positions.map((position, i) => [position, i]))
  const counts = new Uint32Array(positions.length)
  const bytes = new Float64Array(positions.length)
  const frames = placeFrames(job, run.files, fetched, (position, length) => {
    const file = local.get(position) as number // filesOf has them all
    counts[file] = (counts[file] as number) + 1
    bytes[file] = (bytes[file] as number) + length
    return file
  })
  const files = positions.map((position, i) => placeFile(run, position, counts[i] as number))
  const packFile =
    fetched === undefined
      ? window.repository.store.lend?.(packName(pack.name), sealedBytesOf(job))
      : undefined
  const placed = await window.pool.place({ pack, packFile, frames, files })
  if (placed === "unread") return false
  report(run, positions, placed)
  positions.forEach((position, file) => jobDone(run, position, bytes[file] as number))
  window.flusher.written(job.frames.reduce((sum, { frame }) => sum + frame.rawLength, 0))
  return true
}

function report(
  run: WindowRun,
  positions: readonly number[],
  { failures, leftOut }: Exclude<Placed, "unread">,
): void {
  const failed = new Map(failures.map((failure) => [failure.file, failure]))
  positions.forEach((position, i) => {
    const { path, entry } = run.files[position] as Wanted
    const failure = failed.get(i)
    const state = run.shared.get(position)
    if (failure !== undefined) {
      const { message, kind, object } = failure
      if (state === undefined) run.window.progress.failed({ path, message, kind, object })
      else failShared(run, position, state, { message, kind, object })
    } else if (state === undefined) run.window.progress.entry(path, "restored", entry.size)
  })
  for (const { file, what } of leftOut) {
    const { path } = run.files[positions[file] as number] as Wanted
    run.window.progress.leftOut(path, what)
  }
}

/** A pack that is gone or short damages the files that need it, and no others. */
function fetchFailure(error: unknown, plan: PackPlan): Omit<PlaceFailure, "file"> {
  const object = packName(plan.pack.name)
  if (isEngineError(error) && error.kind === "not-found")
    return { kind: "corrupt", object, message: `${object}: missing from the store` }
  if (isEngineError(error) && error.kind === "corrupt")
    return { kind: "corrupt", object, message: error.message }
  throw error
}

function failJobs(run: WindowRun, jobs: readonly Job[], failure: Omit<PlaceFailure, "file">): void {
  for (const job of jobs) {
    const positions = [...filesOf(job.frames)]
    for (const position of positions)
      if (run.shared.get(position) !== undefined)
        beginShared(run, position, run.shared.get(position) as Shared)
    report(run, positions, { failures: positions.map((_, file) => ({ file, ...failure })), leftOut: [] })
    for (const position of positions) jobDone(run, position, 0)
  }
}
