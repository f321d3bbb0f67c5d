/**
 * Verifies one whole pack in one thread, from its SHA-256 to every chunk's ID. Each part is verified
 * separately, so that damage is located exactly and the rest is known to be right. spec/check.md.
 */
import { hash } from "node:crypto"
import { equalBytes, release, type Bytes } from "../base/bytes.ts"
import { corrupt, isEngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type Digest, type ObjectName } from "../base/ids.ts"
import type { Zstd } from "../chunks/zstd.ts"
import type { ChunkHasher, ChunkKind } from "../crypto/chunk-id.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { openSealer, type ObjectSealer } from "../crypto/seal.ts"
import { sealingKeyOf } from "../crypto/sealed-object.ts"
import { packName } from "../format/names.ts"
import {
  checkDirectory,
  decodeDirectory,
  decodeLocator,
  type DirectoryFrame,
  frameOffsets,
  type Locator,
  LOCATOR_BYTES,
  LOCATOR_FRAME_BYTES,
  type PackRecord,
  sameFrames,
  sameLocator,
} from "../format/pack.ts"
import {
  CODEC_STORED,
  FRAME_CHUNK_LIST,
  FRAME_DATA,
  FRAME_LISTING,
  FRAME_LOCATOR,
  KIND_PACK,
  NUMBER_LOCATOR,
} from "../format/sealed-header.ts"
import { openDirectory, openFrame, packSealer } from "../packs/open-pack.ts"

export interface PackJob {
  readonly name: Digest
  readonly bytes: Bytes
  /** From the log; null if the log does not name the pack. */
  readonly record: PackRecord | null
  /** Its content according to the index. */
  readonly frames: readonly DirectoryFrame[]
}

export interface PackVerdict {
  readonly faults: readonly string[]
  /** Frames whose chunks are lost. */
  readonly badFrames: readonly number[] | "all"
  readonly directory: "same" | "other" | "unreadable"
  /** The pack's own directory, if it differs from the index. */
  readonly own: readonly DirectoryFrame[] | null
}

export interface PackTools {
  readonly keys: RepositoryKeys
  readonly zstd: Zstd
  hasher(this: void, kind: ChunkKind): ChunkHasher
}

const CHUNK_KINDS: Readonly<Record<number, ChunkKind>> = {
  [FRAME_DATA]: "data",
  [FRAME_LISTING]: "listing",
  [FRAME_CHUNK_LIST]: "chunk-list",
}

const UNREADABLE = { directory: "unreadable", own: null } as const

export function checkPack(job: PackJob, tools: PackTools): PackVerdict {
  const { name, bytes, record } = job
  const object = packName(name)
  const faults: string[] = []
  /** @returns undefined after a failure, which is recorded */
  const attempt = <T>(run: () => T): T | undefined => {
    try {
      return run()
    } catch (error) {
      if (!isEngineError(error)) throw error
      faults.push(
        error.message.startsWith(`${object}: `) ? error.message.slice(object.length + 2) : error.message,
      )
      return undefined
    }
  }
  if (hash("sha256", bytes, "hex") !== name)
    faults.push(lengthFault(job) ?? "damaged: its SHA-256 does not match its name")
  const own = attempt(() => openHeader(bytes, tools.keys, object))
  // A damaged header loses nothing: the log has its salt too.
  const sealer = record === null ? own : attempt(() => packSealer(tools.keys, record, object))
  if (sealer === undefined) return { faults, badFrames: "all", ...UNREADABLE }
  const opening: Opening = { ...job, object, sealer, tools }
  if (record !== null && own !== undefined && !equalBytes(own.header, sealer.header))
    faults.push("its header differs from the one in the log")
  const locator = attempt(() => readLocator(opening)) ?? record ?? undefined
  const directory = locator === undefined ? undefined : attempt(() => readDirectory(opening, locator))
  const frames = directory ?? job.frames
  if (frames.length === 0) return { faults, badFrames: "all", ...UNREADABLE }
  const badFrames: number[] = []
  const offsets = frameOffsets(frames)
  for (const [number, frame] of frames.entries()) {
    const isRight = attempt(() =>
      checkFrame(opening, { ...frame, number, offset: offsets[number] as number }),
    )
    if (isRight === undefined) badFrames.push(number)
  }
  if (directory === undefined) return { faults, badFrames, ...UNREADABLE }
  const isSame = sameFrames(directory, job.frames)
  return { faults, badFrames, directory: isSame ? "same" : "other", own: isSame ? null : directory }
}

interface Opening extends PackJob {
  readonly object: ObjectName
  readonly sealer: ObjectSealer
  readonly tools: PackTools
}

function lengthFault({ bytes, record }: PackJob): string | undefined {
  if (record === null || bytes.length === record.sizeBytes) return undefined
  return `has ${bytes.length} bytes, expected ${record.sizeBytes}`
}

function openHeader(bytes: Bytes, keys: RepositoryKeys, object: string): ObjectSealer {
  return openSealer(sealingKeyOf(keys, KIND_PACK, bytes, object), KIND_PACK, bytes, object)
}

function readLocator({ bytes, record, object, sealer }: Opening): Locator {
  const frame = { number: NUMBER_LOCATOR, kind: FRAME_LOCATOR, codec: CODEC_STORED, rawLength: LOCATOR_BYTES }
  const opened = orName("locator", object, () =>
    sealer.open(frame, bytes.subarray(Math.max(0, bytes.length - LOCATOR_FRAME_BYTES))),
  )
  const locator = decodeLocator(opened, bytes.length, object)
  if (record !== null && !sameLocator(locator, record))
    throw corrupt("pack-locator", object, "its locator differs from the log")
  return locator
}

function readDirectory({ bytes, object, sealer, tools }: Opening, locator: Locator): DirectoryFrame[] {
  const { directoryOffset: offset, directorySealedLength: length } = locator
  const sealed = bytes.subarray(offset, offset + length)
  const raw = orName("directory", object, () =>
    openDirectory(sealer, locator, sealed, { zstd: tools.zstd, object }),
  )
  const frames = decodeDirectory(raw, object)
  checkDirectory(frames, locator, object)
  return frames
}

interface PlacedFrame extends DirectoryFrame {
  readonly number: number
  readonly offset: number
}

function checkFrame({ bytes, object, sealer, tools }: Opening, frame: PlacedFrame): true {
  const { number, offset, kind, ids, lengths } = frame
  const sealed = bytes.subarray(offset, offset + frame.sealedLength)
  const raw = openFrame(sealer, frame, sealed, { zstd: tools.zstd, object })
  const hasher = tools.hasher(CHUNK_KINDS[kind] as ChunkKind) // decodeDirectory accepts no other kinds
  let start = 0
  for (let i = 0; i < lengths.length; i++) {
    const end = start + (lengths[i] as number)
    const id = ids.subarray(i * CHUNK_ID_BYTES, (i + 1) * CHUNK_ID_BYTES)
    if (!equalBytes(hasher.id(raw.subarray(start, end)), id))
      throw corrupt("chunk-id", object, `a chunk of frame ${number} does not match its ID`)
    start = end
  }
  release(raw)
  return true
}

/** Names a part for a message: the directory and the locator have reserved numbers. */
function orName<T>(part: string, object: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!isEngineError(error)) throw error
    throw corrupt("frame", object, `its ${part} is damaged`)
  }
}
