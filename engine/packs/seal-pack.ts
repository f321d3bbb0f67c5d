/**
 * Sealing packs, the inverse of open-pack.ts: shuffles the blocks, numbers them, seals each as a frame
 * (AES-256-GCM, crypto/seal.ts) under a key derived from the pack's fresh salt, opens it again and
 * compares. The sealed directory, padding and locator follow; the pack's SHA-256 is its name. Runs in
 * each splitting thread, after pack-filler.ts. spec/pack.md.
 *
 * An unfinished pack exists in memory only: a crash leaves whole sealed packs or nothing.
 */
import { hash } from "node:crypto"
import { release, type Bytes } from "../base/bytes.ts"
import { assert, EngineError } from "../base/errors.ts"
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
  /** The encoded directory, as entries and segments hold it. */
  readonly directory: Bytes
  readonly frames: DirectoryFrame[]
}

export interface SealTools {
  readonly sealing: SealingKey
  readonly random: Random
  readonly zstd: Zstd
}

/** The directory must fit into one frame, so a pack has a limit of chunks too. */
const PACK_CHUNKS_MAX = 65_536

/** The size of a pack that is being filled, and the number of its chunks. */
export interface PackFill {
  bytes: number
  chunks: number
}

export function emptyFill(): PackFill {
  return { bytes: HEADER_BYTES + LOCATOR_FRAME_BYTES + TAG_BYTES + 64, chunks: 0 }
}

/** Adds a block to the fill. Returns false, and changes nothing, when the pack has no room for it. */
export function takesBlock(fill: PackFill, block: ClosedBlock): boolean {
  const bytes = fill.bytes + block.bytes.length + TAG_BYTES + block.ids.length + block.lengths.byteLength + 32
  const chunks = fill.chunks + block.lengths.length
  if (bytes > PACK_BYTES || chunks > PACK_CHUNKS_MAX) return false
  fill.bytes = bytes
  fill.chunks = chunks
  return true
}

/** Groups blocks into packs in order: all but the last are as full as their blocks allow. */
export function groupIntoPacks(blocks: readonly ClosedBlock[]): ClosedBlock[][] {
  const groups: ClosedBlock[][] = []
  let fill = emptyFill()
  for (const block of blocks) {
    const group = groups.at(-1)
    if (group !== undefined && takesBlock(fill, block)) {
      group.push(block)
      continue
    }
    fill = emptyFill()
    takesBlock(fill, block)
    groups.push([block])
  }
  return groups
}

/**
 * @param full pads to PACK_BYTES; other packs are padded to a coarse grid of sizes (PADMÉ)
 * @param room memory of PACK_BYTES for the pack; by default the pack has memory of its own
 * @throws EngineError corrupt "seal-mismatch" when this machine's memory is faulty
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

/** `room` is the memory that it was compressed into. */
function compressedDirectory(
  directory: Bytes,
  zstd: Zstd,
): { codec: number; bytes: Uint8Array; room: Bytes } {
  const room = new Uint8Array(zstd.bound(directory.length))
  const length = zstd.compress(room, directory)
  if (length >= directory.length) return { codec: CODEC_STORED, bytes: directory, room }
  return { codec: CODEC_ZSTD, bytes: room.subarray(0, length), room }
}

/** Fisher–Yates shuffle (Knuth, TAOCP 2, algorithm P): the order of frames reveals nothing about the order of files. */
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

/**
 * Shared memory for the packs that are being sealed or uploaded. Threads reuse it, since new memory for
 * each pack costs a third of the time that sealing takes. A thread that finds no free room waits, which
 * bounds the memory of packs in flight. Plain data, which can be passed to a worker thread.
 */
export interface PackRooms {
  readonly rooms: readonly Uint8Array<SharedArrayBuffer>[]
  /** One bit per room, set while the room is free. */
  readonly free: Int32Array<SharedArrayBuffer>
}

/** @param count at most 31 */
export function createPackRooms(count: number): PackRooms {
  const free = new Int32Array(new SharedArrayBuffer(4))
  free[0] = 2 ** count - 1
  return {
    rooms: Array.from({ length: count }, () => new Uint8Array(new SharedArrayBuffer(PACK_BYTES))),
    free,
  }
}

/** Returns the number of a free room, which is the caller's until `giveRoom`. Blocks the thread until there is one. */
export function takeRoom({ free }: PackRooms): number {
  for (;;) {
    const bits = Atomics.load(free, 0)
    const lowest = bits & -bits
    if (bits === 0) Atomics.wait(free, 0, 0)
    else if (Atomics.compareExchange(free, 0, bits, bits & ~lowest) === bits) return 31 - Math.clz32(lowest)
  }
}

export function giveRoom({ free }: PackRooms, room: number): void {
  Atomics.or(free, 0, 1 << room)
  Atomics.notify(free, 0)
}
