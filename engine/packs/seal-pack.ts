/**
 * Closes a pack, spec/pack.md: its blocks are shuffled, numbered, sealed under a key of their own
 * (fresh salt, drawn in this thread), opened again and compared, followed by the sealed directory,
 * padding and locator, hashed, and named by that hash. Nothing about an open pack is written down
 * anywhere: what a crash leaves behind is whole sealed packs, or nothing.
 */
import { hash } from "node:crypto"
import { assert } from "../base/assert.ts"
import { release, type Bytes } from "../base/bytes.ts"
import { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import type { Zstd } from "../chunks/zstd.ts"
import { padme } from "../crypto/padding.ts"
import { newSealer, type SealingKey } from "../crypto/seal.ts"
import {
  encodeDirectory,
  encodeLocator,
  LOCATOR_FRAME_BYTES,
  PACK_BYTES,
  PACK_BYTES_MIN,
  type DirectoryFrame,
  type PackRecord,
} from "../format/pack.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_DIRECTORY,
  FRAME_LOCATOR,
  HEADER_BYTES,
  KIND_PACK,
  NUMBER_DIRECTORY,
  NUMBER_LOCATOR,
  SALT_BYTES,
  TAG_BYTES,
  type FrameInfo,
} from "../format/sealed-header.ts"
import type { ClosedBlock } from "./block.ts"

export interface SealedPack {
  readonly bytes: Uint8Array
  readonly record: PackRecord
  /** The encoded directory, as an entry or a segment carries it. */
  readonly directory: Bytes
  readonly frames: DirectoryFrame[]
}

export interface SealTools {
  readonly sealing: SealingKey
  readonly random: Random
  readonly zstd: Zstd
}

/** A pack's directory is one frame, which bounds its chunks as well as its bytes. */
const PACK_CHUNKS_MAX = 65_536

/** What a pack that is being filled has taken. */
export interface PackFill {
  bytes: number
  chunks: number
}

export function emptyFill(): PackFill {
  return { bytes: HEADER_BYTES + LOCATOR_FRAME_BYTES + TAG_BYTES + 64, chunks: 0 }
}

/** Takes a block into account, or returns false when the pack has no room for it. */
export function takesBlock(fill: PackFill, block: ClosedBlock): boolean {
  const bytes = fill.bytes + block.bytes.length + TAG_BYTES + block.ids.length + block.lengths.byteLength + 32
  const chunks = fill.chunks + block.lengths.length
  if (bytes > PACK_BYTES || chunks > PACK_CHUNKS_MAX) return false
  fill.bytes = bytes
  fill.chunks = chunks
  return true
}

/**
 * `full` packs all have one size; the others are padded to a coarse grid of sizes.
 * @param room of PACK_BYTES; absent: the pack has memory of its own
 */
export function sealPack(
  blocks: readonly ClosedBlock[],
  full: boolean,
  tools: SealTools,
  room?: Uint8Array,
): SealedPack {
  const order = shuffled(blocks, tools.random)
  const frames = order.map(directoryFrame)
  const directory = encodeDirectory(frames)
  const stored = compressedDirectory(directory, tools.zstd)
  const directoryOffset = HEADER_BYTES + order.reduce((sum, block) => sum + block.bytes.length + TAG_BYTES, 0)
  const contentBytes = directoryOffset + stored.bytes.length + TAG_BYTES + LOCATOR_FRAME_BYTES
  const sizeBytes = full ? PACK_BYTES : padme(Math.max(contentBytes, PACK_BYTES_MIN))
  assert(sizeBytes >= contentBytes, "a pack is closed before it is too full")

  const bytes = room?.subarray(0, sizeBytes) ?? new Uint8Array(sizeBytes)
  const salt = tools.random.bytes(SALT_BYTES)
  const sealer = newSealer(tools.sealing, KIND_PACK, salt)
  bytes.set(sealer.header)
  let offset = HEADER_BYTES
  const put = (info: FrameInfo, plaintext: Uint8Array): void => {
    const length = sealer.seal(info, plaintext, bytes, offset)
    const opened = sealer.open(info, bytes.subarray(offset, offset + length))
    if (Buffer.compare(opened, plaintext) !== 0) {
      throw new EngineError(
        "corrupt",
        "seal-mismatch",
        "an encrypted frame does not match what was sealed. Check this machine's memory",
      )
    }
    release(opened)
    offset += length
  }
  order.forEach((block, number) =>
    put({ number, kind: block.kind, codec: block.codec, rawLength: block.rawLength }, block.bytes),
  )
  put(
    { number: NUMBER_DIRECTORY, kind: FRAME_DIRECTORY, codec: stored.codec, rawLength: directory.length },
    stored.bytes,
  )
  const paddingBytes = sizeBytes - offset - LOCATOR_FRAME_BYTES
  if (paddingBytes > 0) bytes.set(tools.random.bytes(paddingBytes), offset)
  offset = sizeBytes - LOCATOR_FRAME_BYTES
  const place = {
    directoryOffset,
    directorySealedLength: stored.bytes.length + TAG_BYTES,
    directoryRawLength: directory.length,
    directoryCodec: stored.codec,
  }
  release(stored.room)
  const locator = encodeLocator(place)
  put(
    { number: NUMBER_LOCATOR, kind: FRAME_LOCATOR, codec: CODEC_STORED, rawLength: locator.length },
    locator,
  )

  const name = hash("sha256", bytes, "hex") as Digest
  return { bytes, record: { name, sizeBytes, epoch: tools.sealing.epoch, salt, ...place }, directory, frames }
}

function directoryFrame(block: ClosedBlock): DirectoryFrame {
  const { kind, codec, rawLength, ids, lengths } = block
  return { kind, codec, sealedLength: block.bytes.length + TAG_BYTES, rawLength, ids, lengths }
}

/** `room`: what it was compressed into. */
function compressedDirectory(
  directory: Bytes,
  zstd: Zstd,
): { codec: number; bytes: Uint8Array; room: Bytes } {
  const room = new Uint8Array(zstd.bound(directory.length))
  const length = zstd.compress(room, directory)
  if (length >= directory.length) return { codec: CODEC_STORED, bytes: directory, room }
  return { codec: CODEC_ZSTD, bytes: room.subarray(0, length), room }
}

/** Fisher and Yates; the frame order tells nothing about the order of the files. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  const draws = new DataView(random.bytes(Math.max(4, order.length * 4)).buffer)
  for (let i = order.length - 1; i > 0; i--) {
    const j = draws.getUint32(i * 4, true) % (i + 1)
    const item = order[i] as T // both indices are within the array
    order[i] = order[j] as T
    order[j] = item
  }
  return order
}
