/**
 * The files of one window while jobs write to them. Only this file changes what is known of them. A file whose
 * pieces are all in one job is written by its thread from start to end. A file that several jobs write to, or
 * that takes chunks of the existing file, is shared: it is begun before the first job and finished after the
 * last, or abandoned when one failed, on the main thread. Its descriptor serves every thread.
 */
import type { NewFile, Target } from "../target/target.ts"
import type { Standing } from "./compare.ts"
import { failureOf, type Failure, type Placed, type PlaceFile } from "./place/place-jobs.ts"
import { filesOf, type Job, type Plan } from "./plan.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"
import { metadataOf, type DecidedFile } from "./tree.ts"

/** A file that is to be written. */
export interface Wanted extends DecidedFile {
  readonly standing: Standing | undefined
  readonly size: number
  readonly own: Uint8Array | undefined
}

export function wantedFiles(
  files: readonly DecidedFile[],
  standing: readonly (Standing | undefined)[],
): Wanted[] {
  const wanted: Wanted[] = []
  files.forEach((file, i) => {
    const found = standing[i]
    if (found?.state === "done") return
    wanted.push({ ...file, standing: found, size: file.entry.size, own: found?.equal })
  })
  return wanted
}

interface Shared {
  begun: NewFile | undefined
  jobsLeft: number
  /** Bytes that jobs have written to it. */
  written: number
  failed: boolean
}

/** By position. */
type SharedFiles = ReadonlyMap<number, Shared>

export function sharedFiles(files: readonly Wanted[], plan: Plan, jobs: readonly Job[]): SharedFiles {
  const jobCounts = new Uint32Array(files.length)
  for (const job of jobs)
    for (const file of filesOf(job.frames)) jobCounts[file] = (jobCounts[file] as number) + 1
  const shared = new Map<number, Shared>()
  files.forEach(({ own }, position) => {
    const jobsLeft = jobCounts[position] as number
    const takesOwn = own?.includes(1) === true && !plan.broken.has(position)
    if (jobsLeft > 1 || takesOwn)
      shared.set(position, { begun: undefined, jobsLeft, written: 0, failed: false })
  })
  return shared
}

/** Files are named by their position. */
export interface WindowFiles {
  readonly all: readonly Wanted[]
  readonly sharedPositions: readonly number[]
  isShared(position: number): boolean
  /** The file as its thread gets it. @param pieces of it in the job */
  forJob(position: number, pieces: number): PlaceFile
  /** Begins a shared file. Undefined for other files, and if it failed. */
  begin(position: number): NewFile | undefined
  /** @param positions of the files in the job's table */
  report(positions: readonly number[], placed: Exclude<Placed, "unread">): void
  /** For a shared file. @param bytes what the job has written to it */
  jobDone(position: number, bytes: number): void
  fail(position: number, failure: Failure): void
  /** Finishes a shared file that no job is left for. */
  finishIfDone(position: number): void
  /** Begins and finishes a file without content, in a target that only looks. */
  placeDry(position: number): void
}

interface Ports {
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
}

export function createWindowFiles(ports: Ports, all: readonly Wanted[], shared: SharedFiles): WindowFiles {
  const { target, progress } = ports
  const fileAt = (position: number): Wanted => all[position] as Wanted
  const fail: WindowFiles["fail"] = (position, failure) => {
    const state = shared.get(position)
    if (state?.failed === true) return
    if (state !== undefined) state.failed = true
    progress.failed({ path: fileAt(position).path, ...failure })
  }
  const begin: WindowFiles["begin"] = (position) => {
    const state = shared.get(position)
    if (state === undefined || state.begun !== undefined || state.failed) return state?.begun
    try {
      state.begun = beginFile(target, fileAt(position))
    } catch (error) {
      fail(position, failureOf(error))
    }
    return state.begun
  }
  const finishIfDone: WindowFiles["finishIfDone"] = (position) => {
    const state = shared.get(position)
    const begun = state?.begun
    if (state === undefined || begun === undefined || state.jobsLeft > 0) return
    state.begun = undefined
    progress.underWay(-state.written)
    if (state.failed) target.abandonFile(begun)
    else finishFile(ports, fileAt(position), () => begun)
  }
  return {
    all,
    sharedPositions: [...shared.keys()],
    isShared: (position) => shared.has(position),
    forJob: (position, pieces) =>
      placeFile(ports, fileAt(position), pieces, shared.get(position)?.begun ?? null),
    begin,
    report(positions, { failures, leftOut }) {
      const failed = new Map(failures.map((failure) => [failure.file, failure]))
      positions.forEach((position, i) => {
        const { path, entry } = fileAt(position)
        const failure = failed.get(i)
        if (failure !== undefined) {
          const { message, kind, object } = failure
          fail(position, { message, kind, object })
        } else if (!shared.has(position)) progress.entry(path, "restored", entry.size)
      })
      for (const { file, what } of leftOut) progress.leftOut(fileAt(positions[file] as number).path, what)
    },
    jobDone(position, bytes) {
      const state = shared.get(position)
      if (state === undefined) return
      state.jobsLeft--
      if (!state.failed) {
        state.written += bytes
        progress.underWay(bytes)
      }
      finishIfDone(position)
    },
    fail,
    finishIfDone,
    placeDry(position) {
      const file = fileAt(position)
      finishFile(ports, file, () => beginFile(target, file))
    },
  }
}

function beginFile(target: Target, { path, entry }: Wanted): NewFile {
  return target.beginFile(path, entry.size, entry.sparse)
}

/** Reports a failure of `begun` too. */
function finishFile(ports: Ports, file: Wanted, begun: () => NewFile): void {
  const { target, progress } = ports
  const { metadata, replace, sync, path, size } = placeFile(ports, file, 0, null)
  try {
    const leftOut = target.finishFile(begun(), metadata, { replace, sync })
    progress.entry(path, "restored", size)
    progress.leftOut(path, leftOut)
  } catch (error) {
    progress.failed({ path, ...failureOf(error) })
  }
}

function placeFile(
  { request: { overwrite, sync } }: Ports,
  { path, entry, existing }: Wanted,
  pieces: number,
  begun: NewFile | null,
): PlaceFile {
  return {
    path,
    size: entry.size,
    sparse: entry.sparse,
    metadata: metadataOf(entry),
    replace: overwrite !== "never",
    sync: syncs(sync, existing !== undefined),
    pieces,
    begun,
  }
}

/** The new bytes are on the disk before they replace an existing file. */
function syncs(sync: RestoreRequest["sync"], replaces: boolean): boolean {
  return sync === "each" || (replaces && sync !== "none")
}
