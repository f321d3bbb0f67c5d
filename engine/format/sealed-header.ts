/**
 * The 72-byte header of every sealed object, and the frame fields that each AEAD call binds. Pure layout;
 * crypto/seal.ts derives the keys. spec/sealed-object.md.
 *
 *     header = "HFST" ‖ kind u8 ‖ format u8 ‖ suite u8 ‖ flags u8 ‖ epoch u32 ‖ zero u32 ‖ salt 24 ‖ commitment 32
 */
import type { Bytes } from "../base/bytes.ts"
import { assert, corrupt, EngineError } from "../base/errors.ts"

/** Never change. */
export const HEADER_BYTES = 72
export const SALT_BYTES = 24
const COMMITMENT_BYTES = 32
export const TAG_BYTES = 16
const SEALED_FORMAT = 0
export const SUITE_AES_256_GCM = 1

export const KIND_PACK = 1
export const KIND_SEGMENT = 2
export const KIND_ENTRY = 3
export const KIND_TRUST_PRIVATE = 4
const KIND_GC = 5

export const FRAME_DATA = 1
export const FRAME_LISTING = 2
export const FRAME_CHUNK_LIST = 3
export const FRAME_BODY = 4
export const FRAME_DIRECTORY = 14
export const FRAME_LOCATOR = 15

export const NUMBER_DIRECTORY = 0xffff_fffe
export const NUMBER_LOCATOR = 0xffff_ffff

export const CODEC_STORED = 0
export const CODEC_ZSTD = 1

const MAGIC = 0x48465354 // "HFST", read big-endian
const KINDS: Readonly<Record<number, string>> = {
  [KIND_PACK]: "pack",
  [KIND_SEGMENT]: "index segment",
  [KIND_ENTRY]: "chain entry",
  [KIND_TRUST_PRIVATE]: "private part of a trust entry",
  [KIND_GC]: "gc entry",
}

export interface SealedHeader {
  readonly kind: number
  /** The generation of data keys that seals this object, from 1. */
  readonly epoch: number
  readonly salt: Bytes
  readonly commitment: Bytes
}

/** Bound by the AEAD besides the header. `rawLength` is the length before compression. */
export interface FrameInfo {
  readonly number: number
  readonly kind: number
  readonly codec: number
  readonly rawLength: number
}

export function encodeSealedHeader(header: SealedHeader): Bytes {
  assert(header.salt.length === SALT_BYTES, "a salt has 24 bytes")
  assert(header.commitment.length === COMMITMENT_BYTES, "a commitment has 32 bytes")
  assert(
    Number.isInteger(header.epoch) && header.epoch > 0 && header.epoch <= 0xffff_ffff,
    "an epoch is a u32",
  )
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint8(4, header.kind)
  view.setUint8(5, SEALED_FORMAT)
  view.setUint8(6, SUITE_AES_256_GCM)
  view.setUint32(8, header.epoch, true)
  bytes.set(header.salt, 16)
  bytes.set(header.commitment, 40)
  return bytes
}

/**
 * Reads the first 72 of `bytes`.
 * @throws invalid "format-too-new" for a newer format; corrupt for anything else that is wrong
 */
export function decodeSealedHeader(bytes: Uint8Array, kind: number, object: string): SealedHeader {
  const refuse = (found: string): Error => corrupt("sealed-header", object, found)
  if (bytes.length < HEADER_BYTES)
    throw refuse(`is too short for a header: ${bytes.length} bytes, expected ${HEADER_BYTES}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  if (view.getUint32(0) !== MAGIC) throw refuse("is not a sealed object: wrong magic")
  const found = view.getUint8(4)
  if (found !== kind)
    throw refuse(`contains a ${KINDS[found] ?? `kind ${found}`}, expected a ${KINDS[kind] ?? kind}`)
  const format = view.getUint8(5)
  if (format !== SEALED_FORMAT) {
    throw new EngineError(
      "invalid",
      "format-too-new",
      `${object}: sealed in format ${format}; this version reads ${SEALED_FORMAT}. Use a newer holdfast`,
      { detail: { object, format } },
    )
  }
  if (view.getUint8(6) !== SUITE_AES_256_GCM) throw refuse(`unknown cipher suite ${view.getUint8(6)}`)
  if (view.getUint8(7) !== 0) throw refuse(`unknown flags ${view.getUint8(7)}`)
  const epoch = view.getUint32(8, true)
  if (epoch === 0) throw refuse("epoch 0 does not exist")
  if (view.getUint32(12) !== 0) throw refuse("reserved bytes are not zero")
  return { kind, epoch, salt: bytes.slice(16, 40) as Bytes, commitment: bytes.slice(40, 72) as Bytes }
}

/** Never change. */
export const FRAME_FIELDS_BYTES = 10

/** Writes number u32 ‖ kind u8 ‖ codec u8 ‖ raw length u32 at `offset` of `out`. */
export function putFrameFields(frame: FrameInfo, out: Uint8Array, offset: number): void {
  const view = new DataView(out.buffer, out.byteOffset, out.length)
  view.setUint32(offset, frame.number, true)
  view.setUint8(offset + 4, frame.kind)
  view.setUint8(offset + 5, frame.codec)
  view.setUint32(offset + 6, frame.rawLength, true)
}
