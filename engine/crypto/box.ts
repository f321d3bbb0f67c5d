/**
 * Boxes: a few bytes sealed by anyone to an X25519 public key, for the holder of its secret. Devices and
 * slots receive epoch roots and the root signing secret in boxes. spec/keys.md.
 *
 *     box = ephemeral public 32 ‖ AES-256-GCM ciphertext ‖ tag 16
 */
import { EngineError } from "../base/errors.ts"
import { type Bytes, concatBytes } from "../base/bytes.ts"
import type { RepositoryId } from "../base/ids.ts"
import { ONCE_KEY_BYTES, openOnce, sealOnce } from "./aead.ts"
import { hkdf, idBytes, purpose } from "./derive.ts"
import { type KeyPair, sealingPair, sharedSecret } from "./keypair.ts"

/** The purpose of a box. A box made for another purpose doesn't open. */
export interface BoxContext {
  readonly purpose: "epoch-root" | "root-signing"
  readonly repository: RepositoryId
}

const PUBLIC_BYTES = 32

/**
 * @param ephemeralSecret 32 fresh random bytes, never used again
 * @throws invalid "public-key" if the shared secret would be zero
 */
export function sealBox(
  recipientPublic: Uint8Array,
  plaintext: Uint8Array,
  context: BoxContext,
  ephemeralSecret: Uint8Array,
): Bytes {
  const ephemeral = sealingPair(ephemeralSecret)
  const shared = sharedSecret(ephemeral.secret, recipientPublic)
  if (shared === undefined) {
    throw new EngineError(
      "invalid",
      "public-key",
      "this public key is unsafe to encrypt to: it would reveal the content",
    )
  }
  const key = boxKey(shared, ephemeral.public, recipientPublic, context)
  return concatBytes([ephemeral.public, sealOnce(key, plaintext, new Uint8Array(0))])
}

/**
 * Returns the plaintext, or undefined if the box is damaged, for another recipient, or for another purpose.
 */
export function openBox(recipient: KeyPair, box: Uint8Array, context: BoxContext): Bytes | undefined {
  const ephemeralPublic = box.subarray(0, PUBLIC_BYTES)
  if (ephemeralPublic.length < PUBLIC_BYTES) return undefined
  const shared = sharedSecret(recipient.secret, ephemeralPublic)
  if (shared === undefined) return undefined
  const key = boxKey(shared, ephemeralPublic, recipient.public, context)
  return openOnce(key, box.subarray(PUBLIC_BYTES), new Uint8Array(0))
}

function boxKey(shared: Bytes, ephemeral: Uint8Array, recipient: Uint8Array, context: BoxContext): Bytes {
  const info = purpose(`box/${context.purpose}`, idBytes(context.repository))
  return hkdf({ key: shared, salt: concatBytes([ephemeral, recipient]), info, length: ONCE_KEY_BYTES })
}
