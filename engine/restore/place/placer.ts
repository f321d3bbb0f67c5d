/**
 * unseal → join → place, for one thread: a frame is opened once, every chunk that is wanted from it
 * is identified again, and only then written where it belongs. A file gets its name when its last
 * piece is in place; what fails leaves nothing under any name.
 */
import { asBuffer, equalBytes, release, type Bytes } from "../../base/bytes.ts"
import { corrupt, isEngineError } from "../../base/errors.ts"
import { CHUNK_ID_BYTES } from "../../base/ids.ts"
import { createZstd } from "../../chunks/zstd.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher } from "../../crypto/chunk-id.ts"
import type { ObjectSealer } from "../../crypto/seal.ts"
import { openDiskTarget } from "../../target/disk-target.ts"
import { closeDescriptor, readAt, writeAt } from "../../target/new-file.ts"
import type { LeftOut, NewFile, Target } from "../../target/target.ts"
import { packName } from "../../format/names.ts"
import { CODEC_STORED } from "../../format/sealed-header.ts"
import { openFrame, packSealer } from "../../packs/open-pack.ts"
import { readFrames, reusedRoom } from "./read-frames.ts"
import type {
  CompareFile,
  OwnJob,
  Placed,
  PlaceFailure,
  PlaceFile,
  PlaceFrame,
  PlaceJob,
  PlacerOptions,
} from "./place-jobs.ts"

export interface Placer {
  place(job: PlaceJob): Placed
  compare(files: readonly CompareFile[]): (Uint8Array | null)[]
  own(job: OwnJob): Omit<PlaceFailure, "file"> | undefined
  close(): void
}

/** Numbers a piece in `PlaceFrame.pieces`. */
export const PIECE_NUMBERS = 4

interface OpenFile {
  readonly file: PlaceFile
  handle: NewFile | undefined
  left: number
  failed: boolean
  leftOut: readonly LeftOut[]
}

export function createPlacer(options: PlacerOptions): Placer {
  const { keys } = options
  const target = openDiskTarget(options.root, options.target)
  const zstd = createZstd()
  const hasher = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "data"))
  const sealedRoom = reusedRoom()
  const rawRoom = reusedRoom()

  const finish = (open: OpenFile): void => {
    const { file } = open
    const handle = open.handle ?? target.beginFile(file.path, file.size, file.sparse)
    open.handle = undefined // whatever happens now, nothing is left to abandon
    open.leftOut = target.finishFile(handle, file.metadata, { replace: file.replace, sync: file.sync })
  }
  const placeRun = (run: Run, raw: Uint8Array, open: OpenFile): void => {
    open.handle ??= target.beginFile(open.file.path, open.file.size, open.file.sparse)
    writeAt(open.handle, run.fileOffset, raw.subarray(run.blockOffset, run.blockOffset + run.length))
    open.left -= run.pieces
    if (open.left === 0 && open.file.begun === null) finish(open)
  }
  return {
    place(job) {
      const sealed = sealedFrames(job, sealedRoom)
      if (sealed === undefined) return "unread"
      const object = packName(job.pack.name)
      const failures: PlaceFailure[] = []
      const files: OpenFile[] = job.files.map((file) => ({
        file,
        handle: file.begun ?? undefined,
        left: file.pieces,
        failed: false,
        leftOut: [],
      }))
      const orFail = (index: number, work: (open: OpenFile) => void): void => {
        const open = files[index] as OpenFile
        if (open.failed) return
        try {
          work(open)
        } catch (error) {
          open.failed = true
          if (open.handle !== undefined && open.file.begun === null) target.abandonFile(open.handle)
          failures.push({ file: index, ...failureOf(error) })
        }
      }
      files.forEach(({ file }, index) => {
        if (file.pieces === 0 && file.begun === null) orFail(index, finish) // an empty file
      })
      const sealer = job.frames.length === 0 ? undefined : packSealer(keys, job.pack, object)
      const tools = { zstd, object, room: rawRoom }
      job.frames.forEach((frame, i) => {
        try {
          const raw = openFrame(sealer as ObjectSealer, frame.frame, sealed[i] as Bytes, tools)
          for (const run of runsOf(frame, raw, hasher, object))
            orFail(run.file, (open) => placeRun(run, raw, open))
          if (frame.frame.codec === CODEC_STORED) release(raw) // all others lie in the room
        } catch (error) {
          for (let i = 0; i < frame.pieces.length; i += PIECE_NUMBERS) {
            orFail(frame.pieces[i] as number, () => {
              throw error
            })
          }
        }
      })
      const leftOut = files.flatMap(({ leftOut: what }, file) => (what.length === 0 ? [] : [{ file, what }]))
      return { failures, leftOut }
    },
    compare: (files) => files.map((file) => compareFile(target, hasher, file)),
    own: (job) => takeOver(target, hasher, job),
    close: () => target.close(),
  }
}

/** As they came with the job, or out of the file that was lent. */
function sealedFrames(
  { packFile, frames }: PlaceJob,
  room: (lengthBytes: number) => Bytes,
): readonly Bytes[] | undefined {
  if (packFile === undefined) return frames.map(({ sealed }) => sealed as Bytes)
  return readFrames(
    packFile,
    frames.map(({ frame }) => frame),
    room,
  )
}

interface Run {
  readonly file: number
  readonly fileOffset: number
  readonly blockOffset: number
  length: number
  pieces: number
}

/** Verifies each piece and joins those that lie side by side in both the block and the file. */
function runsOf(frame: PlaceFrame, raw: Uint8Array, hasher: ChunkHasher, object: string): Run[] {
  const runs: Run[] = []
  const { pieces } = frame
  const ids = asBuffer(frame.ids)
  let run: Run | undefined
  for (let i = 0, at = 0; i < pieces.length; i += PIECE_NUMBERS, at += CHUNK_ID_BYTES) {
    const file = pieces[i] as number
    const fileOffset = pieces[i + 1] as number
    const blockOffset = pieces[i + 2] as number
    const length = pieces[i + 3] as number
    const id = ids.toString("latin1", at, at + CHUNK_ID_BYTES)
    if (!hasher.isId(id, raw, blockOffset, length)) {
      throw corrupt("chunk-id", object, `a chunk of frame ${frame.frame.number} does not match its ID`)
    }
    if (
      run?.file === file &&
      run.fileOffset + run.length === fileOffset &&
      run.blockOffset + run.length === blockOffset
    ) {
      run.length += length
      run.pieces++
    } else {
      run = { file, fileOffset, blockOffset, length, pieces: 1 }
      runs.push(run)
    }
  }
  return runs
}

/** Which chunks of a standing file are where they should be. */
function compareFile(
  target: Target,
  hasher: ChunkHasher,
  { path, ids, lengths }: CompareFile,
): Uint8Array | null {
  const existing = target.openExisting(path)
  if (existing === undefined) return null
  try {
    const equal = new Uint8Array(lengths.length)
    eachStandingChunk(existing.descriptor, { ids, lengths }, hasher, (index) => (equal[index] = 1))
    return equal
  } finally {
    closeDescriptor(existing.descriptor)
  }
}

/** Copies chunks of the standing file into the new one, each identified while it is copied. */
function takeOver(
  target: Target,
  hasher: ChunkHasher,
  { begun, ids, lengths, wanted }: OwnJob,
): Omit<PlaceFailure, "file"> | undefined {
  try {
    const existing = target.openExisting(begun.path)
    const taken = new Uint8Array(lengths.length)
    if (existing !== undefined) {
      try {
        eachStandingChunk(existing.descriptor, { ids, lengths, wanted }, hasher, (index, offset, bytes) => {
          writeAt(begun, offset, bytes)
          taken[index] = 1
        })
      } finally {
        closeDescriptor(existing.descriptor)
      }
    }
    if (equalBytes(taken, wanted)) return undefined
    return {
      message: "it was changed by another program during the restore",
      kind: "target",
      object: undefined,
    }
  } catch (error) {
    return failureOf(error)
  }
}

interface Chunks {
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
  readonly wanted?: Uint8Array
}

function eachStandingChunk(
  descriptor: number,
  { ids, lengths, wanted }: Chunks,
  hasher: ChunkHasher,
  found: (index: number, offset: number, bytes: Uint8Array) => void,
): void {
  let buffer = new Uint8Array(64 * 1024)
  let offset = 0
  lengths.forEach((length, index) => {
    if (wanted === undefined || wanted[index] === 1) {
      if (length > buffer.length) buffer = new Uint8Array(length)
      const bytes = buffer.subarray(0, length)
      const id = ids.subarray(index * CHUNK_ID_BYTES, (index + 1) * CHUNK_ID_BYTES)
      if (readAt(descriptor, offset, bytes) === length && equalBytes(hasher.id(bytes), id))
        found(index, offset, bytes)
    }
    offset += length
  })
}

export function failureOf(error: unknown): Omit<PlaceFailure, "file"> {
  if (!isEngineError(error)) throw error // a bug
  const object = error.detail["object"]
  return {
    message: error.message,
    kind: error.kind === "corrupt" ? "corrupt" : "target",
    object: typeof object === "string" ? object : undefined,
  }
}
