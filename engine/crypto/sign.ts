/**
 * Ed25519 signatures (RFC 8032). The caller (signed-entry.ts, trust-state.ts) starts every message
 * with its own domain text, so a signature of one kind never passes for another.
 */
import { sign as nodeSign, verify as nodeVerify } from "node:crypto"
import type { KeyObject } from "node:crypto"

import { type Bytes, toHex } from "../base/bytes.ts"
import { type KeyPair, parsePublic, privateKey } from "./keypair.ts"

export const SIGNATURE_BYTES = 64

/**
 * Returns the deterministic signature.
 * @param pair a signing pair
 */
export function sign(pair: KeyPair, message: Uint8Array): Bytes {
  return new Uint8Array(nodeSign(null, message, privateKey("ed25519", pair.secret)))
}

/** Returns false for any wrong signature, any length, and a key that isn't a point of the curve. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== SIGNATURE_BYTES) return false
  try {
    return nodeVerify(null, message, publicKeyObject(publicKey), signature)
  } catch {
    return false
  }
}

const publicKeys = new Map<string, KeyObject>()
const PUBLIC_KEYS_MAX = 256

/**
 * Caches parsed keys: a device's log is verified entry by entry with one key, and parsing costs as
 * much as verifying.
 */
function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const name = toHex(publicKey)
  const known = publicKeys.get(name)
  if (known !== undefined) return known
  const key = parsePublic("ed25519", publicKey)
  if (publicKeys.size >= PUBLIC_KEYS_MAX) publicKeys.clear()
  publicKeys.set(name, key)
  return key
}
