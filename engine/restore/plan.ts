/**
 * Plan: which frames of which packs hold the chunks of these files, and where each chunk goes. Pure
 * arithmetic over the index; nothing is fetched or written. The result is grouped by pack, in the
 * order of the files, so that a frame is opened once and a file's pieces come close together.
 */
import { assert } from "../base/errors.ts"
import { CHUNK_ID_BYTES } from "../base/ids.ts"
import type { ChunkIndex, ChunkLocation, FrameLocation, PackLocation } from "../chunk-index/chunk-index.ts"

/** A file whose content is wanted. */
export interface WantedFile {
  readonly size: number
  /** 32 bytes a chunk, in order. */
  readonly ids: Uint8Array
  /** 1 for chunks that the target has already; absent: none. */
  readonly own?: Uint8Array | undefined
}

/** Numbers a piece in `FramePlan.pieces`. */
export const PLANNED_NUMBERS = 5

export interface FramePlan {
  readonly frame: FrameLocation
  /** Position of the file, number of the chunk in it, offset in the file, offset in the block, length: five numbers a piece. */
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
  /** Files that can't be restored: a chunk is in no pack, or the chunks' lengths are not the file's size. */
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

/** All chunks' places, or what is wrong. */
export function locateAll(file: WantedFile, index: ChunkIndex): ChunkLocation[] | string {
  assert(file.ids.length % CHUNK_ID_BYTES === 0, "ids are whole")
  const places = index.locateAll(file.ids)
  if (places === undefined) return "part of its content is in no pack known to this repository"
  const bytes = places.reduce((sum, { length }) => sum + length, 0)
  return bytes === file.size ? places : `its chunks have ${bytes} bytes, expected ${file.size}`
}
