/**
 * Seals and opens the frames of an object. Each object has a fresh salt. Its AES-256-GCM key, its nonce
 * base, and a commitment that ties the header to this key are derived from the salt. A frame's nonce is the
 * base XOR its number, so no counter must survive crashes. spec/sealed-object.md.
 *
 * Must never: seal two frames with one number, or return a byte that isn't authenticated.
 */
import { createCipheriv, createDecipheriv, createSecretKey, timingSafeEqual } from "node:crypto"
import type { KeyObject } from "node:crypto"

import { type Bytes, release } from "../base/bytes.ts"
import { assert, corrupt } from "../base/errors.ts"
import {
  decodeSealedHeader,
  encodeSealedHeader,
  FRAME_FIELDS_BYTES,
  type FrameInfo,
  HEADER_BYTES,
  putFrameFields,
  SALT_BYTES,
  SUITE_AES_256_GCM,
  TAG_BYTES,
} from "../format/sealed-header.ts"
import { hkdf, idBytes, purpose, type SealingKey } from "./derive.ts"

export type { FrameInfo, SealingKey }

const CIPHER = "aes-256-gcm"

export interface ObjectSealer {
  readonly header: Bytes
  /**
   * Writes ciphertext and tag to `out` at `offset`. `plaintext` may be in the same place. Each
   * number can be sealed once; the sealer of an opened object can't seal.
   * @returns the length written: that of `plaintext` plus 16
   */
  seal(frame: FrameInfo, plaintext: Uint8Array, out: Uint8Array, offset: number): number
  /**
   * Returns the plaintext. Never returns unauthenticated bytes.
   * @throws corrupt "frame"
   */
  open(frame: FrameInfo, sealed: Uint8Array): Bytes
}

/** Returns a sealer for a new object. `salt` must be freshly random, so keys never repeat. */
export function newSealer(keys: SealingKey, kind: number, salt: Uint8Array): ObjectSealer {
  return makeSealer(deriveObjectKeys(keys, kind, salt), "a new object", new Set())
}

/**
 * Opens frames of an object by its known epoch and salt, without fetching its header. Frames bind
 * the header, so a different one is detected.
 */
export function sealerFromSalt(
  keys: SealingKey,
  kind: number,
  salt: Uint8Array,
  object = "a pack",
): ObjectSealer {
  return makeSealer(deriveObjectKeys(keys, kind, salt), object, undefined)
}

/**
 * Opens frames of the object that starts with `header`, after checking the whole header.
 * @throws corrupt "sealed-header"
 */
export function openSealer(keys: SealingKey, kind: number, header: Uint8Array, object: string): ObjectSealer {
  const found = decodeSealedHeader(header, kind, object)
  if (found.epoch !== keys.epoch) {
    throw corrupt("sealed-header", object, `sealed in epoch ${found.epoch}, expected ${keys.epoch}`)
  }
  const derived = deriveObjectKeys(keys, kind, found.salt)
  if (!timingSafeEqual(derived.commitment, found.commitment)) {
    throw corrupt("sealed-header", object, "the header is damaged or was sealed with another key")
  }
  return makeSealer(derived, object, undefined)
}

interface ObjectKeys {
  readonly header: Bytes
  readonly key: KeyObject
  readonly nonce: Bytes
  readonly commitment: Bytes
}

function deriveObjectKeys(keys: SealingKey, kind: number, salt: Uint8Array): ObjectKeys {
  assert(salt.length === SALT_BYTES, "a salt has 24 bytes")
  const info = purpose("object", new Uint8Array([kind, SUITE_AES_256_GCM]), idBytes(keys.repository))
  const derived = hkdf({ key: keys.key, salt, info, length: 76 })
  const commitment = derived.slice(44)
  const header = encodeSealedHeader({ kind, epoch: keys.epoch, salt: new Uint8Array(salt), commitment })
  const key = createSecretKey(derived.subarray(0, 32))
  return { header, key, nonce: derived.slice(32, 44), commitment }
}

function makeSealer(keys: ObjectKeys, object: string, sealedNumbers: Set<number> | undefined): ObjectSealer {
  // One buffer for all frames: node:crypto copies its input.
  const bound = new Uint8Array(HEADER_BYTES + FRAME_FIELDS_BYTES)
  bound.set(keys.header)
  const nonce = keys.nonce.slice()
  const prepare = (frame: FrameInfo): void => {
    putFrameFields(frame, bound, HEADER_BYTES)
    for (let i = 0; i < 4; i++) nonce[8 + i] = (keys.nonce[8 + i] ?? 0) ^ (bound[HEADER_BYTES + i] ?? 0)
  }
  return {
    header: keys.header,
    seal(frame, plaintext, out, offset) {
      assert(sealedNumbers !== undefined, "an object that was opened is never sealed again")
      assert(!sealedNumbers.has(frame.number), `frame ${frame.number} sealed twice`)
      assert(offset + plaintext.length + TAG_BYTES <= out.length, "no room for a sealed frame")
      sealedNumbers.add(frame.number)
      prepare(frame)
      const cipher = createCipheriv(CIPHER, keys.key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(bound)
      const ciphertext = cipher.update(plaintext)
      out.set(ciphertext, offset)
      release(ciphertext)
      cipher.final() // a stream cipher returns no more bytes here
      out.set(cipher.getAuthTag(), offset + plaintext.length)
      return plaintext.length + TAG_BYTES
    },
    open(frame, sealed) {
      if (sealed.length < TAG_BYTES) throw refusal(object, frame, `is too short: ${sealed.length} bytes`)
      prepare(frame)
      const decipher = createDecipheriv(CIPHER, keys.key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(bound)
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
      const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES))
      try {
        decipher.final()
      } catch {
        throw refusal(object, frame, "is damaged or misplaced")
      }
      return new Uint8Array(plaintext.buffer as ArrayBuffer, plaintext.byteOffset, plaintext.length)
    },
  }
}

function refusal(object: string, frame: FrameInfo, found: string): Error {
  return corrupt("frame", object, `frame ${frame.number} ${found}`)
}
