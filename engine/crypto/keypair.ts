/**
 * X25519 and Ed25519 key pairs from 32 raw secret bytes (RFC 7748, RFC 8032), through node:crypto.
 * A secret stays in its byte array; parsed key objects are cached beside it. spec/keys.md.
 */
import { createHash, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto"
import type { KeyObject } from "node:crypto"

import { assert } from "../base/errors.ts"
import { type Bytes, concatBytes, toHex } from "../base/bytes.ts"
import type { DeviceId } from "../base/ids.ts"

export interface KeyPair {
  readonly secret: Bytes
  readonly public: Bytes
}

type Curve = "x25519" | "ed25519"

/** DER before the 32 raw bytes (RFC 8410). */
const PRIVATE_PREFIX: Readonly<Record<Curve, Buffer>> = {
  x25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
  ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
}
const PUBLIC_PREFIX: Readonly<Record<Curve, Buffer>> = {
  x25519: Buffer.from("302a300506032b656e032100", "hex"),
  ed25519: Buffer.from("302a300506032b6570032100", "hex"),
}

const KEY_BYTES = 32

/** Returns an Ed25519 pair, for `sign`. */
export function signingPair(secret: Uint8Array): KeyPair {
  return pairFrom("ed25519", secret)
}

/** Returns an X25519 pair, for `openBox`. */
export function sealingPair(secret: Uint8Array): KeyPair {
  return pairFrom("x25519", secret)
}

/** Returns the X25519 shared secret, or undefined if the point `publicKey` would make it zero. */
export function sharedSecret(secret: Uint8Array, publicKey: Uint8Array): Bytes | undefined {
  try {
    const options = { privateKey: privateKey("x25519", secret), publicKey: parsePublic("x25519", publicKey) }
    return new Uint8Array(diffieHellman(options))
  } catch {
    return undefined
  }
}

/** Derives a device's id from its two public keys, so nobody can claim another's id. */
export function deviceId(signPublic: Uint8Array, sealPublic: Uint8Array): DeviceId {
  const digest = createHash("sha256").update(signPublic).update(sealPublic).digest()
  return toHex(digest.subarray(0, 16)) as DeviceId
}

function pairFrom(curve: Curve, secret: Uint8Array): KeyPair {
  const own = new Uint8Array(secret)
  const der = createPublicKey(privateKey(curve, own)).export({ format: "der", type: "spki" })
  return { secret: own, public: new Uint8Array(der.subarray(der.length - KEY_BYTES)) }
}

const privateKeys: Readonly<Record<Curve, WeakMap<Uint8Array, KeyObject>>> = {
  x25519: new WeakMap(),
  ed25519: new WeakMap(),
}

/** Returns the key object of `secret`. Each array is parsed once, since parsing costs as much as signing. */
export function privateKey(curve: Curve, secret: Uint8Array): KeyObject {
  assert(secret.length === KEY_BYTES, `an ${curve} secret has 32 bytes`)
  const known = privateKeys[curve].get(secret)
  if (known !== undefined) return known
  const der = Buffer.from(concatBytes([PRIVATE_PREFIX[curve], secret]))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  der.fill(0)
  privateKeys[curve].set(secret, key)
  return key
}

/** @throws node:crypto's error if the bytes are not a public key of this curve */
export function parsePublic(curve: Curve, publicKey: Uint8Array): KeyObject {
  assert(publicKey.length === KEY_BYTES, `an ${curve} public key has 32 bytes`)
  const der = Buffer.from(concatBytes([PUBLIC_PREFIX[curve], publicKey]))
  return createPublicKey({ key: der, format: "der", type: "spki" })
}
