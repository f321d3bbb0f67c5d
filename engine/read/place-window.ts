/**
 * Fetch and place, for one window of files: what stands in the target is compared first, so that only
 * missing chunks are fetched; then pack by pack, each in jobs of a few blocks. A file whose pieces are
 * all in one job is written by its thread from start to end; one that several jobs write to is begun
 * and finished here.
 */
import { concatBytes, type Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { NewFile, Target } from "../files/target.ts"
import { packName } from "../format/names.ts"
import type { Repository } from "../trust/repository-ports.ts"
import { compareWithTarget, type Standing } from "./compare.ts"
import { metadataOf, type DecidedFile } from "./decide.ts"
import { fetchFrames } from "./fetch.ts"
import type { PlaceFailure, PlaceFile, PlaceFrame } from "./place-jobs.ts"
import type { PlacePool } from "./place-pool.ts"
import { failureOf, PIECE_NUMBERS } from "./placer.ts"
import { planFiles, type FramePlan, type PackPlan, type Plan } from "./plan.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"

/** Raw bytes of a job: enough that most files lie in one, few enough that threads share the work. */
const JOB_BYTES = 8 * 1024 * 1024
const PACKS_AT_ONCE = 2
/** Files that several jobs write to are open all the while. */
export const SHARED_FILES_MAX = 2_000

export interface Window {
  readonly repository: Repository
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly pool: PlacePool
}

/** A file that is to be written, and what is known of it. */
interface Wanted extends DecidedFile {
  readonly standing: Standing | undefined
  readonly size: number
  readonly own: Uint8Array | undefined
}

interface Job {
  readonly plan: PackPlan
  readonly frames: readonly FramePlan[]
}

/** A file that several jobs write to. */
interface Shared {
  begun: NewFile | undefined
  jobsLeft: number
  failed: boolean
}

export async function placeWindow(window: Window, files: readonly DecidedFile[]): Promise<void> {
  const standing = await compareWithTarget(window, files)
  const wanted: Wanted[] = []
  files.forEach((file, i) => {
    const found = standing[i]
    if (found?.state === "done") return
    wanted.push({ ...file, standing: found, size: file.entry.size, own: found?.equal })
  })
  await placeFiles(window, wanted)
}

async function placeFiles(window: Window, files: readonly Wanted[]): Promise<void> {
  const plan = planFiles(files, window.repository.index)
  const jobs = plan.packs.flatMap(jobsOf)
  const shared = sharedFiles(files, plan, jobs)
  if (shared.size > SHARED_FILES_MAX && files.length > 1) {
    const half = files.length >> 1
    await placeFiles(window, files.slice(0, half))
    return placeFiles(window, files.slice(half))
  }
  for (const [position, message] of plan.broken) {
    const { path } = files[position] as Wanted
    window.progress.failed({ path, message, kind: "corrupt" })
  }
  const run: WindowRun = { window, files, plan, shared }
  await placeEmpty(run)
  await beginOwn(run)
  await forEachBounded(plan.packs, PACKS_AT_ONCE, (pack) => placePack(run, pack, jobs.filter((job) => job.plan === pack)))
}

interface WindowRun {
  readonly window: Window
  readonly files: readonly Wanted[]
  readonly plan: Plan
  readonly shared: ReadonlyMap<number, Shared>
}

/** Blocks of one pack, in the order of the files, a few at a time. */
function jobsOf(plan: PackPlan): Job[] {
  const jobs: { plan: PackPlan; frames: FramePlan[] }[] = []
  let bytes = Infinity
  for (const frame of plan.frames) {
    if (bytes + frame.frame.rawLength > JOB_BYTES) {
      jobs.push({ plan, frames: [] })
      bytes = 0
    }
    jobs.at(-1)?.frames.push(frame)
    bytes += frame.frame.rawLength
  }
  return jobs
}

function filesOf(job: Job): Set<number> {
  const files = new Set<number>()
  for (const { pieces } of job.frames) {
    for (let i = 0; i < pieces.length; i += PIECE_NUMBERS) files.add(pieces[i] as number)
  }
  return files
}

function sharedFiles(files: readonly Wanted[], plan: Plan, jobs: readonly Job[]): Map<number, Shared> {
  const jobCounts = new Uint32Array(files.length)
  for (const job of jobs) for (const file of filesOf(job)) jobCounts[file] = (jobCounts[file] as number) + 1
  const shared = new Map<number, Shared>()
  files.forEach(({ own }, position) => {
    const jobsLeft = jobCounts[position] as number
    const takesOver = own?.includes(1) === true && !plan.broken.has(position)
    if (jobsLeft > 1 || takesOver) shared.set(position, { begun: undefined, jobsLeft, failed: false })
  })
  return shared
}

/** Files without content need no pack. */
async function placeEmpty(run: WindowRun): Promise<void> {
  const { files, plan, shared, window } = run
  const empty = [...files.keys()].filter((position) => plan.pieceCounts[position] === 0 && !plan.broken.has(position) && !shared.has(position))
  if (empty.length === 0) return
  const pack = { name: "0".repeat(64) as Digest, sizeBytes: 0, epoch: 0, salt: new Uint8Array(0) } // no frame, so none is opened
  const failures = await window.pool.place({ pack, frames: [], files: empty.map((position) => placeFile(run, position, 0)) })
  report(run, empty, failures)
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

async function placePack(run: WindowRun, plan: PackPlan, jobs: readonly Job[]): Promise<void> {
  const { window } = run
  const frames = jobs.flatMap((job) => job.frames)
  let sealed: Bytes[]
  try {
    sealed = await fetchFrames(window.repository.store, plan.pack, frames.map(({ frame }) => frame))
  } catch (error) {
    return failJobs(run, jobs, fetchFailure(error, plan))
  }
  const bytesOf = new Map(frames.map((frame, i) => [frame, sealed[i] as Bytes]))
  const running: Promise<void>[] = []
  for (const job of jobs) {
    await window.pool.room()
    running.push(placeJob(run, job, bytesOf))
  }
  await Promise.all(running)
}

async function placeJob(run: WindowRun, job: Job, bytesOf: ReadonlyMap<FramePlan, Bytes>): Promise<void> {
  const { shared, window } = run
  const positions = [...filesOf(job)]
  for (const position of positions) {
    const state = shared.get(position)
    if (state !== undefined) beginShared(run, position, state)
  }
  const local = new Map(positions.map((position, i) => [position, i]))
  const counts = new Uint32Array(positions.length)
  const frames = framesWithBytes(job, bytesOf, (position) => {
    const file = local.get(position) as number // filesOf has them all
    counts[file] = (counts[file] as number) + 1
    return file
  })
  const files = positions.map((position, i) => placeFile(run, position, counts[i] as number))
  const failures = await window.pool.place({ pack: job.plan.pack, frames, files })
  report(run, positions, failures)
  for (const position of positions) jobDone(run, position)
}

/** The job's frames in one buffer of their own, which travels to the thread without another copy. */
function framesWithBytes(job: Job, bytesOf: ReadonlyMap<FramePlan, Bytes>, fileOf: (position: number) => number): PlaceFrame[] {
  const buffer = new Uint8Array(job.frames.reduce((sum, { frame }) => sum + frame.sealedLength, 0))
  let offset = 0
  return job.frames.map((plan) => {
    const sealed = buffer.subarray(offset, offset + plan.frame.sealedLength)
    sealed.set(bytesOf.get(plan) as Bytes)
    offset += sealed.length
    const pieces = Float64Array.from(plan.pieces)
    for (let i = 0; i < pieces.length; i += PIECE_NUMBERS) pieces[i] = fileOf(pieces[i] as number)
    return { frame: plan.frame, sealed, pieces, ids: concatBytes(plan.ids) }
  })
}

function placeFile({ files, shared, window }: WindowRun, position: number, pieces: number): PlaceFile {
  const { path, entry, existing } = files[position] as Wanted
  const { sync, overwrite } = window.request
  return {
    path,
    size: entry.size,
    sparse: entry.sparse,
    metadata: metadataOf(entry),
    replace: overwrite !== "never",
    sync: syncs(sync, existing !== undefined),
    pieces,
    begun: shared.get(position)?.begun ?? null,
  }
}

/** Over an existing file the new bytes are on the disk before they take its name. */
function syncs(sync: RestoreRequest["sync"], replaces: boolean): boolean {
  return sync === "each" || (replaces && sync !== "none")
}

function beginShared(run: WindowRun, position: number, state: Shared): NewFile | undefined {
  if (state.begun !== undefined || state.failed) return state.begun
  const { path, entry } = run.files[position] as Wanted
  try {
    state.begun = run.window.target.beginFile(path, entry.size, entry.sparse)
  } catch (error) {
    failShared(run, position, state, failureOf(error))
  }
  return state.begun
}

function jobDone(run: WindowRun, position: number): void {
  const state = run.shared.get(position)
  if (state === undefined) return
  state.jobsLeft--
  if (state.jobsLeft === 0) finishShared(run, position, state)
}

function finishShared(run: WindowRun, position: number, state: Shared): void {
  const { begun } = state
  if (begun === undefined) return
  state.begun = undefined
  if (state.failed) return run.window.target.abandonFile(begun)
  const { metadata, replace, sync, path, size } = placeFile(run, position, 0)
  try {
    run.window.target.finishFile(begun, metadata, { replace, sync })
    run.window.progress.entry(path, "restored", size)
  } catch (error) {
    run.window.progress.failed({ path, ...failureOf(error) })
  }
}

function failShared(run: WindowRun, position: number, state: Shared, failure: Omit<PlaceFailure, "file">): void {
  if (state.failed) return
  state.failed = true
  run.window.progress.failed({ path: (run.files[position] as Wanted).path, ...failure })
}

function report(run: WindowRun, positions: readonly number[], failures: readonly PlaceFailure[]): void {
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
}

/** A pack that is gone or short damages the files that need it, and no others. */
function fetchFailure(error: unknown, plan: PackPlan): Omit<PlaceFailure, "file"> {
  const object = packName(plan.pack.name)
  if (isEngineError(error) && error.kind === "not-found") return { kind: "corrupt", object, message: `${object}: it is missing from the store` }
  if (isEngineError(error) && error.kind === "corrupt") return { kind: "corrupt", object, message: error.message }
  throw error
}

function failJobs(run: WindowRun, jobs: readonly Job[], failure: Omit<PlaceFailure, "file">): void {
  for (const job of jobs) {
    const positions = [...filesOf(job)]
    for (const position of positions) if (run.shared.get(position) !== undefined) beginShared(run, position, run.shared.get(position) as Shared)
    report(run, positions, positions.map((_, file) => ({ file, ...failure })))
    for (const position of positions) jobDone(run, position)
  }
}
