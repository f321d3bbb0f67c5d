/** A pack's blocks in jobs of a few, and what travels to the thread that does one. */
import type { Bytes } from "../../base/bytes.ts"
import { CHUNK_ID_BYTES } from "../../base/ids.ts"
import { FILE_COST_BYTES } from "../../base/worker-pool.ts"
import type { PlaceFrame } from "./place-jobs.ts"
import { PIECE_NUMBERS } from "./placer.ts"
import { PLANNED_NUMBERS, type FramePlan, type PackPlan, type WantedFile } from "../plan.ts"

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
    for (let i = 0; i < pieces.length; i += PLANNED_NUMBERS) files.add(pieces[i] as number)
  }
  return files
}

export function sealedBytesOf({ frames }: Job): number {
  return frames.reduce((sum, { frame }) => sum + frame.sealedLength, 0)
}

/** The job's frames; bytes that were fetched lie in one buffer of their own, which travels to the thread without another copy. */
export function placeFrames(
  job: Job,
  files: readonly WantedFile[],
  fetched: ReadonlyMap<FramePlan, Bytes> | undefined,
  fileOf: (position: number, length: number) => number,
): PlaceFrame[] {
  const buffer = new Uint8Array(fetched === undefined ? 0 : sealedBytesOf(job))
  let offset = 0
  const own = (bytes: Bytes): Bytes => {
    const sealed = buffer.subarray(offset, (offset += bytes.length))
    sealed.set(bytes)
    return sealed
  }
  return job.frames.map((plan) => {
    const sealed = fetched && own(fetched.get(plan) as Bytes)
    return { frame: plan.frame, sealed, ...placePieces(plan, files, fileOf) }
  })
}

function placePieces(
  { pieces: planned }: FramePlan,
  files: readonly WantedFile[],
  fileOf: (position: number, length: number) => number,
): Pick<PlaceFrame, "pieces" | "ids"> {
  const count = planned.length / PLANNED_NUMBERS
  const pieces = new Float64Array(count * PIECE_NUMBERS)
  const ids = new Uint8Array(count * CHUNK_ID_BYTES)
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * PLANNED_NUMBERS, i * PIECE_NUMBERS]
    const position = planned[from] as number
    const id = (planned[from + 1] as number) * CHUNK_ID_BYTES
    ids.set((files[position] as WantedFile).ids.subarray(id, id + CHUNK_ID_BYTES), i * CHUNK_ID_BYTES)
    pieces[to] = fileOf(position, planned[from + 4] as number)
    for (let k = 1; k < PIECE_NUMBERS; k++) pieces[to + k] = planned[from + k + 1] as number
  }
  return { pieces, ids }
}
