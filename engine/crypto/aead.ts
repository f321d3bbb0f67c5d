/**
 * AES-256-GCM (NIST SP 800-38D) for single messages: boxes, keyslots, and the previous epoch's root.
 * Key and nonce are derived together for one message, so a nonce can't repeat under a key. Frames,
 * which are numbered, are sealed by seal.ts. spec/keys.md.
 */
import { createCipheriv, createDecipheriv } from "node:crypto"

import { assert } from "../base/errors.ts"
import { type Bytes, concatBytes } from "../base/bytes.ts"

/** Length of the key material for `sealOnce`: key 32 ‖ nonce 12. */
export const ONCE_KEY_BYTES = 44
const TAG_BYTES = 16

/** Returns ciphertext ‖ tag. `keyAndNonce` must never seal anything else. */
export function sealOnce(keyAndNonce: Uint8Array, plaintext: Uint8Array, bound: Uint8Array): Bytes {
  const { key, nonce } = split(keyAndNonce)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bound)
  return concatBytes([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Returns the plaintext, or undefined if any byte of key, message or bound data differs. */
export function openOnce(keyAndNonce: Uint8Array, sealed: Uint8Array, bound: Uint8Array): Bytes | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const { key, nonce } = split(keyAndNonce)
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return new Uint8Array(plaintext)
}

function split(keyAndNonce: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  assert(keyAndNonce.length === ONCE_KEY_BYTES, "a key with its nonce has 44 bytes")
  return { key: keyAndNonce.subarray(0, 32), nonce: keyAndNonce.subarray(32) }
}
