/** SHA-256 of whole objects: what they are named by, and how damage is told without any key. */
import { hash } from "node:crypto"

import { corrupt } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"

export function digestOf(bytes: Uint8Array): Digest {
  return hash("sha256", bytes, "hex") as Digest
}

/** Throws `corrupt`, code "digest", when the object is not the one that its name promises. */
export function checkDigest(bytes: Uint8Array, digest: Digest, object: string): void {
  const found = digestOf(bytes)
  if (found !== digest) {
    throw corrupt("digest", object, `damaged: its digest is ${found}, expected ${digest}`)
  }
}
