/**
 * The stage plan of a restore: which frames of which packs contain the chunks of these files, where each
 * chunk goes, and which frames a thread gets as one job. Arithmetic over the index; nothing is fetched or
 * written. The result is grouped by pack, in the order of the files. So a frame is opened once, and a
 * file's pieces come close together.
 */
import type { Bytes } from "../base/bytes.ts"
import { assert } from "../base/errors.ts"
import { CHUNK_ID_BYTES } from "../base/ids.ts"
import { FILE_COST_BYTES } from "../base/worker-pool.ts"
import type { ChunkIndex, ChunkLocation, FrameLocation, PackLocation } from "../chunk-index/chunk-index.ts"
import { PIECE_NUMBERS, type PlaceFrame } from "./place/place-jobs.ts"

/** A file whose content is wanted. */
export interface WantedFile {
  readonly size: number
  /** 32 bytes per chunk, in order. */
  readonly ids: Uint8Array
  /** 1 for chunks that the target has already; absent: none. */
  readonly own?: Uint8Array | undefined
}

/** Numbers per piece in `FramePlan.pieces`. */
const PLANNED_NUMBERS = 5

export interface FramePlan {
  readonly frame: FrameLocation
  /** Per piece: position of the file, number of the chunk in it, offset in the file, offset in the block, length. */
  readonly pieces: number[]
}

export interface PackPlan {
  readonly pack: PackLocation
  /** By first file. */
  readonly frames: FramePlan[]
}

export interface Plan {
  /** By the first file that needs each. */
  readonly packs: PackPlan[]
  /** Pieces of each file, by position. */
  readonly pieceCounts: Uint32Array
  /** Why a file can't be restored, by position: a chunk is in no pack, or the chunks' lengths don't add up. */
  readonly broken: Map<number, string>
}

export function planFiles(files: readonly WantedFile[], index: ChunkIndex): Plan {
  const packs = new Map<string, PackPlan & { byNumber: Map<number, FramePlan> }>()
  const pieceCounts = new Uint32Array(files.length)
  const broken = new Map<number, string>()
  let last: { location: ChunkLocation; plan: FramePlan } | undefined

  const frameOf = (location: ChunkLocation): FramePlan => {
    const { pack, frame } = location
    if (last?.location.frame === frame) return last.plan
    let inPack = packs.get(pack.name)
    if (inPack === undefined) {
      inPack = { pack, frames: [], byNumber: new Map() }
      packs.set(pack.name, inPack)
    }
    let plan = inPack.byNumber.get(frame.number)
    if (plan === undefined) {
      plan = { frame, pieces: [] }
      inPack.byNumber.set(frame.number, plan)
      inPack.frames.push(plan)
    }
    last = { location, plan }
    return plan
  }

  files.forEach((file, position) => {
    const places = locateAll(file, index)
    if (typeof places === "string") {
      broken.set(position, places)
      return
    }
    let offset = 0
    places.forEach((location, chunk) => {
      if (file.own?.[chunk] !== 1) {
        const { pieces } = frameOf(location)
        pieces.push(position, chunk, offset, location.offset, location.length)
        pieceCounts[position] = (pieceCounts[position] as number) + 1
      }
      offset += location.length
    })
  })
  // files come in order, so packs and frames were met in the order of their first files
  return { packs: [...packs.values()].map(({ pack, frames }) => ({ pack, frames })), pieceCounts, broken }
}

/** The places of all chunks, or why the file can't be restored. */
export function locateAll(file: WantedFile, index: ChunkIndex): ChunkLocation[] | string {
  assert(file.ids.length % CHUNK_ID_BYTES === 0, "ids are whole")
  const places = index.locateAll(file.ids)
  if (places === undefined) return "part of its content is in no pack known to this repository"
  const bytes = places.reduce((sum, { length }) => sum + length, 0)
  return bytes === file.size ? places : `its chunks have ${bytes} bytes, expected ${file.size}`
}

/** The most that a job costs, in bytes: most files are in one job, and the threads share the work. */
const JOB_COST = 12 * 1024 * 1024

export interface Job {
  readonly plan: PackPlan
  readonly frames: readonly FramePlan[]
}

/** The frames of a pack, a few per job, in the order of the files. */
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

/** The positions of all files that have pieces in these frames. */
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

/**
 * The job's frames for a thread. Fetched bytes are copied into one buffer, which is transferred.
 * @param fileOf called for each piece; returns the file's number in the job's table
 */
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
