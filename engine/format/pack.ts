/**
 * The layout of a pack: the directory (which chunks each frame has), the locator (where the directory is)
 * and the sizes. Pure; packs/seal-pack.ts seals packs. spec/pack.md.
 *
 *     pack      = header 72 ‖ frame 0 … n-1 ‖ directory frame ‖ random padding ‖ locator frame 32
 *     directory = [0, [[kind, codec, sealed length, raw length, ids bin 32×c, lengths bin u32×c] …]]
 *     locator   = directory offset u32 ‖ sealed length u32 ‖ raw length u32 ‖ codec u8 ‖ zero 3
 */
import { type Bytes, equalBytes } from "../base/bytes.ts"
import { assert, corrupt } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type Digest } from "../base/ids.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { schema, type Schema } from "./schema.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_CHUNK_LIST,
  FRAME_DATA,
  HEADER_BYTES,
  TAG_BYTES,
} from "./sealed-header.ts"

/** Never change. A full pack has exactly this size. */
export const PACK_BYTES: number = 16 * 1024 * 1024
/** A pack that is not full has the size padme(max(length, this)). */
export const PACK_BYTES_MIN = 4096
/** The most a reader accepts, for later writers with larger packs. */
export const PACK_BYTES_MAX: number = 64 * 1024 * 1024
export const PACK_FRAMES_MAX = 65_535
export const FRAME_RAW_BYTES_MAX: number = 4 * 1024 * 1024
export const LOCATOR_BYTES = 16
export const LOCATOR_FRAME_BYTES: number = LOCATOR_BYTES + TAG_BYTES

const DIRECTORY_FORMAT = 0

export interface DirectoryFrame {
  /** 1 data, 2 listing nodes, 3 chunk-list nodes; sealed-header.ts. */
  readonly kind: number
  readonly codec: number
  /** With the AEAD's tag. */
  readonly sealedLength: number
  readonly rawLength: number
  /** 32 bytes per chunk, in the order of the raw block. */
  readonly ids: Bytes
  /** Bytes of each chunk; their sum is `rawLength`. */
  readonly lengths: Uint32Array<ArrayBuffer>
}

/** The place of the directory, stored in a pack's last bytes. Offsets count from the pack's first byte. */
export interface Locator {
  readonly directoryOffset: number
  readonly directorySealedLength: number
  readonly directoryRawLength: number
  readonly directoryCodec: number
}

/** Everything a reader needs to open any frame of a pack with one ranged read. */
export interface PackRecord extends Locator {
  readonly name: Digest
  readonly sizeBytes: number
  readonly epoch: number
  /** The header's 24 bytes. */
  readonly salt: Bytes
}

export function encodeDirectory(frames: readonly DirectoryFrame[]): Bytes {
  const rows = frames.map((frame, number): Value => {
    const wrong = frameFault(frame)
    assert(wrong === undefined, `frame ${number} of a directory: ${wrong}`)
    return [
      frame.kind,
      frame.codec,
      frame.sealedLength,
      frame.rawLength,
      frame.ids,
      lengthBytes(frame.lengths),
    ]
  })
  assert(rows.length > 0 && rows.length <= PACK_FRAMES_MAX, `a directory of ${rows.length} frames`)
  return encodeCanonical([DIRECTORY_FORMAT, rows])
}

/**
 * @returns frames with ids that are views of `bytes`
 * @throws corrupt "pack-directory"
 */
export function decodeDirectory(bytes: Uint8Array, object: string): DirectoryFrame[] {
  const s = schema("pack-directory", object)
  const [format, rows] = s.tuple(decodeCanonical(bytes, object), "directory", 2) as [Value, Value]
  s.int(format, "format", { min: DIRECTORY_FORMAT, max: DIRECTORY_FORMAT })
  const frames = s.array(rows, "frames", PACK_FRAMES_MAX).map((row, number) => readFrame(s, row, number))
  if (frames.length === 0) throw s.refuse("frames", "none, at least one is needed")
  if (directoryOffset(frames) > PACK_BYTES_MAX) throw s.refuse("frames", "longer than the largest pack")
  return frames
}

function readFrame(s: Schema, row: Value, number: number): DirectoryFrame {
  const field = `frame ${number}`
  const [kind, codec, sealed, raw, ids, lengths] = s.tuple(row, field, 6) as [
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
  ]
  const lengthsFound = s.bytesUpTo(lengths, `${field} lengths`, FRAME_RAW_BYTES_MAX * 4)
  if (lengthsFound.length % 4 !== 0) throw s.refuse(`${field} lengths`, "not a whole number of u32")
  const frame: DirectoryFrame = {
    kind: s.int(kind, `${field} kind`, { min: 0, max: 255 }),
    codec: s.int(codec, `${field} codec`, { min: 0, max: 255 }),
    sealedLength: s.int(sealed, `${field} sealed length`, { min: 0, max: PACK_BYTES_MAX }),
    rawLength: s.int(raw, `${field} raw length`, { min: 0, max: FRAME_RAW_BYTES_MAX }),
    ids: s.bytes(ids, `${field} ids`, lengthsFound.length * (CHUNK_ID_BYTES / 4)),
    lengths: lengthNumbers(lengthsFound),
  }
  const wrong = frameFault(frame)
  if (wrong !== undefined) throw s.refuse(field, wrong)
  return frame
}

/** Returns the first rule that a frame breaks. The rules are the same for writing and reading. */
function frameFault(frame: DirectoryFrame): string | undefined {
  const { kind, codec, sealedLength, rawLength, ids, lengths } = frame
  if (kind < FRAME_DATA || kind > FRAME_CHUNK_LIST) return `kind ${kind} is not known`
  if (rawLength < 1 || rawLength > FRAME_RAW_BYTES_MAX) return `a block of ${rawLength} bytes`
  const sizeFault = codecFault(codec, sealedLength, rawLength)
  if (sizeFault !== undefined) return sizeFault
  if (ids.length !== lengths.length * CHUNK_ID_BYTES)
    return `${ids.length} bytes of ids for ${lengths.length} chunks`
  let sum = 0
  for (const length of lengths) {
    if (length === 0) return "a chunk of no bytes"
    sum += length
  }
  return sum === rawLength ? undefined : `chunks of ${sum} bytes in a block of ${rawLength}`
}

/**
 * Returns what is wrong with a frame's length. A stored frame has its raw length, a compressed one
 * is smaller, so each block has one encoding.
 */
function codecFault(codec: number, sealedLength: number, rawLength: number): string | undefined {
  if (codec !== CODEC_STORED && codec !== CODEC_ZSTD) return `codec ${codec} is not known`
  const stored = rawLength + TAG_BYTES
  const right =
    codec === CODEC_STORED ? sealedLength === stored : sealedLength > TAG_BYTES && sealedLength < stored
  return right ? undefined : `${sealedLength} sealed bytes for ${rawLength} raw ones in codec ${codec}`
}

function lengthBytes(lengths: Uint32Array): Bytes {
  const bytes = new Uint8Array(lengths.length * 4)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < lengths.length; i++) view.setUint32(4 * i, lengths[i] as number, true)
  return bytes
}

function lengthNumbers(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const lengths = new Uint32Array(bytes.length / 4)
  for (let i = 0; i < lengths.length; i++) lengths[i] = view.getUint32(4 * i, true)
  return lengths
}

export function encodeLocator(locator: Locator): Bytes {
  const bytes = new Uint8Array(LOCATOR_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, locator.directoryOffset, true)
  view.setUint32(4, locator.directorySealedLength, true)
  view.setUint32(8, locator.directoryRawLength, true)
  view.setUint8(12, locator.directoryCodec)
  return bytes
}

/**
 * @param sizeBytes the pack's
 * @throws corrupt "pack-locator"
 */
export function decodeLocator(bytes: Uint8Array, sizeBytes: number, object: string): Locator {
  const refuse = (found: string): Error => corrupt("pack-locator", object, found)
  if (bytes.length !== LOCATOR_BYTES)
    throw refuse(`a locator of ${bytes.length} bytes instead of ${LOCATOR_BYTES}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const locator: Locator = {
    directoryOffset: view.getUint32(0, true),
    directorySealedLength: view.getUint32(4, true),
    directoryRawLength: view.getUint32(8, true),
    directoryCodec: view.getUint8(12),
  }
  if (view.getUint8(13) !== 0 || view.getUint16(14) !== 0) throw refuse("reserved bytes are not zero")
  const wrong = locatorFault(locator, sizeBytes)
  if (wrong !== undefined) throw refuse(wrong)
  return locator
}

/** Returns the first rule that a locator, or a record's copy of it, breaks in a pack of `sizeBytes`. */
export function locatorFault(locator: Locator, sizeBytes: number): string | undefined {
  const { directoryOffset: offset, directorySealedLength: sealed, directoryRawLength: raw } = locator
  if (sizeBytes > PACK_BYTES_MAX) return `a pack of ${sizeBytes} bytes, at most ${PACK_BYTES_MAX} are allowed`
  if (raw < 1 || raw > FRAME_RAW_BYTES_MAX) return `a directory of ${raw} bytes`
  const wrong = codecFault(locator.directoryCodec, sealed, raw)
  if (wrong !== undefined) return `directory: ${wrong}`
  if (offset <= HEADER_BYTES || offset + sealed + LOCATOR_FRAME_BYTES > sizeBytes) {
    return `a directory of ${sealed} bytes at ${offset} in a pack of ${sizeBytes}`
  }
  return undefined
}

/** Returns the offset of the directory frame: after the last frame, without a gap. */
export function directoryOffset(frames: readonly DirectoryFrame[]): number {
  let offset = HEADER_BYTES
  for (const frame of frames) offset += frame.sealedLength
  return offset
}

/** @throws corrupt "pack-directory" if the directory is another pack's, or isn't where the locator says */
export function checkDirectory(frames: readonly DirectoryFrame[], locator: Locator, object: string): void {
  const end = directoryOffset(frames)
  if (end !== locator.directoryOffset) {
    throw corrupt(
      "pack-directory",
      object,
      `frames end at ${end}, the directory lies at ${locator.directoryOffset}`,
    )
  }
}

/** Returns the offset of each frame. Frames follow each other after the header. */
export function frameOffsets(frames: readonly DirectoryFrame[]): number[] {
  let end = HEADER_BYTES
  return frames.map(({ sealedLength }) => {
    const start = end
    end += sealedLength
    return start
  })
}

export function sameRecord(a: PackRecord, b: PackRecord): boolean {
  const isSame = a.name === b.name && a.sizeBytes === b.sizeBytes && a.epoch === b.epoch
  return isSame && equalBytes(a.salt, b.salt) && sameLocator(a, b)
}

export function sameLocator(a: Locator, b: Locator): boolean {
  return (
    a.directoryOffset === b.directoryOffset &&
    a.directorySealedLength === b.directorySealedLength &&
    a.directoryRawLength === b.directoryRawLength &&
    a.directoryCodec === b.directoryCodec
  )
}

export function sameFrames(a: readonly DirectoryFrame[], b: readonly DirectoryFrame[]): boolean {
  return a.length === b.length && a.every((frame, i) => sameFrame(frame, b[i]))
}

function sameFrame(a: DirectoryFrame, b: DirectoryFrame | undefined): boolean {
  if (b === undefined || a.kind !== b.kind || a.codec !== b.codec) return false
  if (a.sealedLength !== b.sealedLength || a.rawLength !== b.rawLength || !equalBytes(a.ids, b.ids))
    return false
  return a.lengths.length === b.lengths.length && a.lengths.every((length, i) => length === b.lengths[i])
}
