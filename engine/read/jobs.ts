/** A pack's blocks in jobs of a few, and what travels to the thread that does one. */
import { concatBytes, type Bytes } from "../base/bytes.ts"
import { FILE_COST_BYTES } from "../base/worker-threads.ts"
import type { PlaceFrame } from "./place-jobs.ts"
import { PIECE_NUMBERS } from "./placer.ts"
import type { FramePlan, PackPlan } from "./plan.ts"

/** What a job may cost, in bytes: enough that most files lie in one, few enough that threads share the work. */
const JOB_COST = 12 * 1024 * 1024

export interface Job {
  readonly plan: PackPlan
  readonly frames: readonly FramePlan[]
}

/** Blocks of one pack, in the order of the files, a few at a time. */
export function jobsOf(plan: PackPlan): Job[] {
  const jobs: { plan: PackPlan; frames: FramePlan[] }[] = []
  let cost = Infinity
  for (const frame of plan.frames) {
    const more = frame.frame.rawLength + filesOf([frame]).size * FILE_COST_BYTES
    if (cost + more > JOB_COST) {
      jobs.push({ plan, frames: [] })
      cost = 0
    }
    jobs.at(-1)?.frames.push(frame)
    cost += more
  }
  return jobs
}

/** The positions of all files that these blocks have pieces of. */
export function filesOf(frames: readonly FramePlan[]): Set<number> {
  const files = new Set<number>()
  for (const { pieces } of frames) {
    for (let i = 0; i < pieces.length; i += PIECE_NUMBERS) files.add(pieces[i] as number)
  }
  return files
}

export function sealedBytesOf({ frames }: Job): number {
  return frames.reduce((sum, { frame }) => sum + frame.sealedLength, 0)
}

/** The job's frames; bytes that were fetched lie in one buffer of their own, which travels to the thread without another copy. */
export function placeFrames(
  job: Job,
  fetched: ReadonlyMap<FramePlan, Bytes> | undefined,
  fileOf: (position: number) => number,
): PlaceFrame[] {
  const buffer = new Uint8Array(fetched === undefined ? 0 : sealedBytesOf(job))
  let offset = 0
  const own = (bytes: Bytes): Bytes => {
    const sealed = buffer.subarray(offset, (offset += bytes.length))
    sealed.set(bytes)
    return sealed
  }
  return job.frames.map((plan) => {
    const pieces = Float64Array.from(plan.pieces)
    for (let i = 0; i < pieces.length; i += PIECE_NUMBERS) pieces[i] = fileOf(pieces[i] as number)
    const sealed = fetched && own(fetched.get(plan) as Bytes)
    return { frame: plan.frame, sealed, pieces, ids: concatBytes(plan.ids) }
  })
}
