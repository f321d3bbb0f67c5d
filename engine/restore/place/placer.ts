/**
 * The stages unseal → join → place of a restore, for one thread. A frame is opened once. The id of every
 * wanted chunk is verified before the chunk is written. A file gets its name after its last piece. The
 * thread also compares existing files with their chunks, and copies chunks out of them.
 */
import { asBuffer, equalBytes, release, type Bytes } from "../../base/bytes.ts"
import { corrupt } from "../../base/errors.ts"
import { CHUNK_ID_BYTES } from "../../base/ids.ts"
import { createZstd, type Zstd } from "../../chunks/zstd.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher } from "../../crypto/chunk-id.ts"
import type { RepositoryKeys } from "../../crypto/derive.ts"
import type { ObjectSealer } from "../../crypto/seal.ts"
import { openDiskTarget } from "../../target/disk-target.ts"
import { closeDescriptor, readAt, writeAt } from "../../target/new-file.ts"
import type { LeftOut, NewFile, Target } from "../../target/target.ts"
import { packName } from "../../format/names.ts"
import { CODEC_STORED } from "../../format/sealed-header.ts"
import { openFrame, packSealer } from "../../packs/open-pack.ts"
import { readFrames, reusedRoom, type Room } from "./read-frames.ts"
import {
  failureOf,
  PIECE_NUMBERS,
  type CompareFile,
  type Failure,
  type OwnJob,
  type Placed,
  type PlaceFailure,
  type PlaceFile,
  type PlaceFrame,
  type PlaceJob,
  type PlacerOptions,
} from "./place-jobs.ts"

export interface Placer {
  place(job: PlaceJob): Placed
  compare(files: readonly CompareFile[]): (Uint8Array | null)[]
  own(job: OwnJob): Failure | undefined
  close(): void
}

interface Tools {
  readonly keys: RepositoryKeys
  readonly target: Target
  readonly zstd: Zstd
  readonly hasher: ChunkHasher
  readonly sealedRoom: Room
  readonly rawRoom: Room
}

export function createPlacer({ keys, root, target: options }: PlacerOptions): Placer {
  const target = openDiskTarget(root, options)
  const hasher = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "data"))
  const tools: Tools = {
    keys,
    target,
    zstd: createZstd(),
    hasher,
    sealedRoom: reusedRoom(),
    rawRoom: reusedRoom(),
  }
  return {
    place: (job) => placeJob(tools, job),
    compare: (files) => files.map((file) => compareFile(target, hasher, file)),
    own: (job) => copyOwn(target, hasher, job),
    close: () => target.close(),
  }
}

function placeJob({ keys, target, zstd, hasher, sealedRoom, rawRoom }: Tools, job: PlaceJob): Placed {
  const sealed = sealedFrames(job, sealedRoom)
  if (sealed === undefined) return "unread"
  const object = packName(job.pack.name)
  const files = createJobFiles(target, job.files)
  files.finishEmpty()
  const sealer = job.frames.length === 0 ? undefined : packSealer(keys, job.pack, object)
  const tools = { zstd, object, room: rawRoom }
  job.frames.forEach((frame, i) => {
    try {
      const raw = openFrame(sealer as ObjectSealer, frame.frame, sealed[i] as Bytes, tools)
      for (const run of joinPieces(frame, raw, hasher, object)) files.write(run, raw)
      if (frame.frame.codec === CODEC_STORED) release(raw) // all others are in the room
    } catch (error) {
      for (let at = 0; at < frame.pieces.length; at += PIECE_NUMBERS)
        files.fail(frame.pieces[at] as number, error)
    }
  })
  return files.placed()
}

/** The files of one job. What fails leaves nothing under any name. */
interface JobFiles {
  finishEmpty(): void
  /** Gives the file its name after its last piece. */
  write(run: Run, raw: Uint8Array): void
  /** Counts the first failure of a file. */
  fail(index: number, error: unknown): void
  placed(): Exclude<Placed, "unread">
}

interface OpenFile {
  readonly file: PlaceFile
  handle: NewFile | undefined
  /** Number of pieces to come. */
  left: number
  failed: boolean
  leftOut: readonly LeftOut[]
}

function createJobFiles(target: Target, files: readonly PlaceFile[]): JobFiles {
  const failures: PlaceFailure[] = []
  const all = files.map((file): OpenFile => ({
    file,
    handle: file.begun ?? undefined,
    left: file.pieces,
    failed: false,
    leftOut: [],
  }))
  const begin = ({ file }: OpenFile): NewFile => target.beginFile(file.path, file.size, file.sparse)
  const finish = (open: OpenFile): void => {
    const { file } = open
    const handle = open.handle ?? begin(open)
    open.handle = undefined // whatever happens now, nothing is left to abandon
    open.leftOut = target.finishFile(handle, file.metadata, { replace: file.replace, sync: file.sync })
  }
  const fail = (index: number, error: unknown): void => {
    const open = all[index] as OpenFile
    if (open.failed) return
    open.failed = true
    if (open.handle !== undefined && open.file.begun === null) target.abandonFile(open.handle)
    failures.push({ file: index, ...failureOf(error) })
  }
  return {
    finishEmpty() {
      all.forEach((open, index) => {
        if (open.file.pieces > 0 || open.file.begun !== null) return
        try {
          finish(open)
        } catch (error) {
          fail(index, error)
        }
      })
    },
    write(run, raw) {
      const open = all[run.file] as OpenFile
      if (open.failed) return
      try {
        open.handle ??= begin(open)
        writeAt(open.handle, run.fileOffset, raw.subarray(run.blockOffset, run.blockOffset + run.length))
        open.left -= run.pieces
        if (open.left === 0 && open.file.begun === null) finish(open)
      } catch (error) {
        fail(run.file, error)
      }
    },
    fail,
    placed() {
      const leftOut = all.flatMap(({ leftOut: what }, file) => (what.length === 0 ? [] : [{ file, what }]))
      return { failures, leftOut }
    },
  }
}

/** The bytes that came with the job, or those of the pack's file; undefined when that can't be read. */
function sealedFrames({ packFile, frames }: PlaceJob, room: Room): readonly Bytes[] | undefined {
  if (packFile === undefined) return frames.map(({ sealed }) => sealed as Bytes)
  return readFrames(
    packFile,
    frames.map(({ frame }) => frame),
    room,
  )
}

/** Pieces that are adjacent in both the block and the file. */
interface Run {
  readonly file: number
  readonly fileOffset: number
  readonly blockOffset: number
  length: number
  pieces: number
}

/** Verifies the id of each piece and joins the pieces to runs. Throws corrupt "chunk-id". */
function joinPieces(frame: PlaceFrame, raw: Uint8Array, hasher: ChunkHasher, object: string): Run[] {
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

/** 1 for each chunk of an existing file that is in its place; null if there is no file. */
function compareFile(
  target: Target,
  hasher: ChunkHasher,
  { path, ids, lengths }: CompareFile,
): Uint8Array | null {
  const existing = target.openExisting(path)
  if (existing === undefined) return null
  try {
    const equal = new Uint8Array(lengths.length)
    eachChunkInPlace(existing.descriptor, { ids, lengths }, hasher, (index) => (equal[index] = 1))
    return equal
  } finally {
    closeDescriptor(existing.descriptor)
  }
}

/** Copies chunks of the existing file into the new one and verifies the id of each. */
function copyOwn(
  target: Target,
  hasher: ChunkHasher,
  { begun, ids, lengths, wanted }: OwnJob,
): Failure | undefined {
  try {
    const existing = target.openExisting(begun.path)
    const copied = new Uint8Array(lengths.length)
    if (existing !== undefined) {
      try {
        eachChunkInPlace(existing.descriptor, { ids, lengths, wanted }, hasher, (index, offset, bytes) => {
          writeAt(begun, offset, bytes)
          copied[index] = 1
        })
      } finally {
        closeDescriptor(existing.descriptor)
      }
    }
    if (equalBytes(copied, wanted)) return undefined
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

function eachChunkInPlace(
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
