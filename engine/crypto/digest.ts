/** SHA-256 of a whole object, in hex. It is the object's name and reveals damage without any key. */
import { hash } from "node:crypto"

import { corrupt } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"

export function digestOf(bytes: Uint8Array): Digest {
  return hash("sha256", bytes, "hex") as Digest
}

/** @throws corrupt "digest" if the object's bytes don't match its name */
export function checkDigest(bytes: Uint8Array, digest: Digest, object: string): void {
  const found = digestOf(bytes)
  if (found !== digest) {
    throw corrupt("digest", object, `damaged: its digest is ${found}, expected ${digest}`)
  }
}
