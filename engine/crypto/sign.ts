/**
 * Ed25519 over bytes. Every signed message starts with its own domain text, put there by the caller
 * (signed-entry.ts, trust-state.ts), so that a signature of one kind never passes for another.
 */
import { sign as nodeSign, verify as nodeVerify } from "node:crypto"
import type { KeyObject } from "node:crypto"

import { type Bytes, toHex } from "../base/bytes.ts"
import { type KeyPair, parsePublic, privateKey } from "./keypair.ts"

export const SIGNATURE_BYTES = 64

/** `pair` is a signing pair; the signature is deterministic. */
export function sign(pair: KeyPair, message: Uint8Array): Bytes {
  return new Uint8Array(nodeSign(null, message, privateKey("ed25519", pair.secret)))
}

/** False for any wrong signature, of whatever length, and for a key that is no point of the curve. */
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

/** One device's log is verified entry by entry with one key: parsing it each time would cost as much. */
function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const name = toHex(publicKey)
  const known = publicKeys.get(name)
  if (known !== undefined) return known
  const key = parsePublic("ed25519", publicKey)
  if (publicKeys.size >= PUBLIC_KEYS_MAX) publicKeys.clear()
  publicKeys.set(name, key)
  return key
}
