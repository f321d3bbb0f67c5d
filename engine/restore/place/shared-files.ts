/**
 * Files that several jobs write to: begun before the first of them, finished after the last, or
 * abandoned when one failed. All on the main thread; the descriptor serves every thread.
 */
import type { NewFile } from "../../target/target.ts"
import { filesOf, type Job } from "./jobs.ts"
import type { PlaceFailure } from "./place-jobs.ts"
import { failureOf } from "./placer.ts"
import type { Plan } from "../plan.ts"
import { placeFile, type Shared, type Wanted, type WindowRun } from "./window-run.ts"

export function sharedFiles(files: readonly Wanted[], plan: Plan, jobs: readonly Job[]): Map<number, Shared> {
  const jobCounts = new Uint32Array(files.length)
  for (const job of jobs)
    for (const file of filesOf(job.frames)) jobCounts[file] = (jobCounts[file] as number) + 1
  const shared = new Map<number, Shared>()
  files.forEach(({ own }, position) => {
    const jobsLeft = jobCounts[position] as number
    const takesOver = own?.includes(1) === true && !plan.broken.has(position)
    if (jobsLeft > 1 || takesOver)
      shared.set(position, { begun: undefined, jobsLeft, written: 0, failed: false })
  })
  return shared
}

export function beginShared(run: WindowRun, position: number, state: Shared): NewFile | undefined {
  if (state.begun !== undefined || state.failed) return state.begun
  const { path, entry } = run.files[position] as Wanted
  try {
    state.begun = run.window.target.beginFile(path, entry.size, entry.sparse)
  } catch (error) {
    failShared(run, position, state, failureOf(error))
  }
  return state.begun
}

/** One job less for this file, into which it has written so many bytes. */
export function jobDone(run: WindowRun, position: number, bytes: number): void {
  const state = run.shared.get(position)
  if (state === undefined) return
  state.jobsLeft--
  if (!state.failed) {
    state.written += bytes
    run.window.progress.underWay(bytes)
  }
  if (state.jobsLeft === 0) finishShared(run, position, state)
}

export function finishShared(run: WindowRun, position: number, state: Shared): void {
  const { begun } = state
  if (begun === undefined) return
  state.begun = undefined
  run.window.progress.underWay(-state.written)
  if (state.failed) return run.window.target.abandonFile(begun)
  const { metadata, replace, sync, path, size } = placeFile(run, position, 0)
  try {
    const leftOut = run.window.target.finishFile(begun, metadata, { replace, sync })
    run.window.progress.entry(path, "restored", size)
    run.window.progress.leftOut(path, leftOut)
  } catch (error) {
    run.window.progress.failed({ path, ...failureOf(error) })
  }
}

export function failShared(
  run: WindowRun,
  position: number,
  state: Shared,
  failure: Omit<PlaceFailure, "file">,
): void {
  if (state.failed) return
  state.failed = true
  run.window.progress.failed({ path: (run.files[position] as Wanted).path, ...failure })
}
