/**
 * Small sealed objects: an index segment, the body of a log entry, the private part of the trust state.
 * Each has one header and one frame. Padding inside the seal hides the length. spec/sealed-object.md.
 *
 *     object = header 72 ‖ AEAD(body length u32 ‖ body ‖ zeros) ‖ tag 16
 */
import type { Bytes } from "../base/bytes.ts"
import { assert, corrupt, EngineError } from "../base/errors.ts"
import {
  CODEC_STORED,
  decodeSealedHeader,
  FRAME_BODY,
  type FrameInfo,
  HEADER_BYTES,
  TAG_BYTES,
} from "../format/sealed-header.ts"
import type { RepositoryKeys, SealingKey } from "./derive.ts"
import { padme } from "./padding.ts"
import { newSealer, openSealer } from "./seal.ts"

/** Never change. */
const LENGTH_BYTES = 4
const PADDED_BYTES_MIN = 512
const BODY_BYTES_MAX = 64 * 1024 * 1024

/** @param salt 24 fresh random bytes */
export function sealObject(keys: SealingKey, kind: number, salt: Uint8Array, body: Uint8Array): Bytes {
  assert(body.length <= BODY_BYTES_MAX, `a body of ${body.length} bytes`)
  const length = paddedLength(body.length)
  const sealer = newSealer(keys, kind, salt)
  const object = new Uint8Array(HEADER_BYTES + length + TAG_BYTES)
  object.set(sealer.header)
  new DataView(object.buffer).setUint32(HEADER_BYTES, body.length, true)
  object.set(body, HEADER_BYTES + LENGTH_BYTES)
  const plaintext = object.subarray(HEADER_BYTES, HEADER_BYTES + length) // sealed in place
  sealer.seal(bodyFrame(length), plaintext, object, HEADER_BYTES)
  return object
}

/**
 * Returns the body.
 * @throws corrupt if `bytes` differ in any way from what `sealObject` returns
 */
export function openObject(keys: SealingKey, kind: number, bytes: Uint8Array, object: string): Bytes {
  const sealer = openSealer(keys, kind, bytes, object)
  const length = bytes.length - HEADER_BYTES - TAG_BYTES
  if (length < PADDED_BYTES_MIN) throw corrupt("sealed-object", object, `is too short: ${bytes.length} bytes`)
  const plaintext = sealer.open(bodyFrame(length), bytes.subarray(HEADER_BYTES))
  const bodyLength = new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(0, true)
  if (bodyLength > BODY_BYTES_MAX || paddedLength(bodyLength) !== length) {
    throw corrupt("sealed-object", object, `a body of ${bodyLength} bytes has padding up to ${length} bytes`)
  }
  const end = LENGTH_BYTES + bodyLength
  if (plaintext.subarray(end).some((byte) => byte !== 0)) {
    throw corrupt("sealed-object", object, "the padding is not zero")
  }
  return plaintext.subarray(LENGTH_BYTES, end)
}

/** Returns the key of the epoch in which the sealed object `bytes` was made. */
export function sealingKeyOf(
  keys: RepositoryKeys,
  kind: number,
  bytes: Uint8Array,
  object: string,
): SealingKey {
  return sealingKeyOfEpoch(keys, decodeSealedHeader(bytes, kind, object).epoch, object)
}

export function sealingKeyOfEpoch(keys: RepositoryKeys, epoch: number, object: string): SealingKey {
  const key = keys.sealing.find((each) => each.epoch === epoch)
  if (key !== undefined) return key
  throw new EngineError(
    "denied",
    "unknown-epoch",
    `${object}: sealed in epoch ${epoch}, but the newest epoch known here is ${keys.epoch}`,
    { detail: { object, epoch } },
  )
}

function paddedLength(bodyLength: number): number {
  return padme(Math.max(LENGTH_BYTES + bodyLength, PADDED_BYTES_MIN))
}

function bodyFrame(length: number): FrameInfo {
  return { number: 0, kind: FRAME_BODY, codec: CODEC_STORED, rawLength: length }
}
