/**
 * Argon2id (RFC 9106): the slow step that makes guessing a passphrase expensive. The native package
 * is loaded at first use, since most runs don't need it. spec/keys.md.
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { KdfParameters } from "../format/keyslot.ts"

/** `Algorithm.Argon2id` of the package, which exports it only as a type. */
const ARGON2ID = 2

/** Returns 32 bytes. The caller has bounded `parameters`. */
export async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: KdfParameters,
): Promise<Bytes> {
  const { memoryKiB, passes, lanes } = parameters
  assert(memoryKiB >= 8 * lanes, "Argon2 needs 8 KiB a lane")
  const { hashRaw } = await import("@node-rs/argon2")
  const secret = await hashRaw(password, {
    algorithm: ARGON2ID as number,
    memoryCost: memoryKiB,
    timeCost: passes,
    parallelism: lanes,
    outputLen: 32,
    salt,
  })
  return new Uint8Array(secret)
}
