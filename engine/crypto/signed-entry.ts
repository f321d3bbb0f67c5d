/**
 * The frame of a chain entry: a sealed body, and the device's Ed25519 signature over the sealed bytes and
 * the entry's place in the log. Digest and signature are checked before anything is decoded.
 * `format/entry-body.ts` encodes the body. spec/log-entry.md.
 *
 *     object = sealed object of kind 3 ‖ signature 64
 *     signed = "holdfast/1/entry" ‖ repository id 16 ‖ device id 16 ‖ sequence u64 ‖ sealed object
 */
import { type Bytes, concatBytes } from "../base/bytes.ts"
import { corrupt, EngineError } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import { entryName } from "../format/names.ts"
import { KIND_ENTRY } from "../format/sealed-header.ts"
import { idBytes, purpose, type RepositoryKeys, type SealingKey } from "./derive.ts"
import { checkDigest, digestOf } from "./digest.ts"
import type { KeyPair } from "./keypair.ts"
import { openObject, sealingKeyOf, sealObject } from "./sealed-object.ts"
import { sign, SIGNATURE_BYTES, verify } from "./sign.ts"

/** The place of an entry. Its signature is valid in no other place. */
export interface EntryPlace {
  readonly repository: RepositoryId
  readonly device: DeviceId
  readonly sequence: number
}

export interface EntryKeys {
  readonly sealing: SealingKey
  readonly signing: KeyPair
  /** 24 fresh random bytes. */
  readonly salt: Uint8Array
}

export function signEntry(
  place: EntryPlace,
  body: Uint8Array,
  keys: EntryKeys,
): { bytes: Bytes; digest: Digest } {
  const sealed = sealObject(keys.sealing, KIND_ENTRY, keys.salt, body)
  const bytes = concatBytes([sealed, sign(keys.signing, entryMessage(place, sealed))])
  return { bytes, digest: digestOf(bytes) }
}

/**
 * Checks an entry's digest and signature.
 * @throws corrupt "digest" if `bytes` don't match the name; untrusted "entry-signature" if the
 * device didn't sign them for this place
 */
export function verifyEntry(
  bytes: Uint8Array,
  place: EntryPlace,
  digest: Digest,
  signPublic: Uint8Array,
): void {
  const object = entryName(place.device, place.sequence, digest)
  checkDigest(bytes, digest, object)
  const { sealed, signature } = split(bytes, object)
  if (verify(signPublic, entryMessage(place, sealed), signature)) return
  throw new EngineError(
    "untrusted",
    "entry-signature",
    `${object}: not signed by device ${place.device}. Someone else wrote it to the store`,
    { detail: { object, device: place.device } },
  )
}

/** Returns the body of an entry that `verifyEntry` has accepted. */
export function openEntry(bytes: Uint8Array, keys: RepositoryKeys, object: string): Bytes {
  const { sealed } = split(bytes, object)
  return openObject(sealingKeyOf(keys, KIND_ENTRY, sealed, object), KIND_ENTRY, sealed, object)
}

function split(bytes: Uint8Array, object: string): { sealed: Uint8Array; signature: Uint8Array } {
  const end = bytes.length - SIGNATURE_BYTES
  if (end < 0) throw corrupt("entry", object, `is too short for a signature: ${bytes.length} bytes`)
  return { sealed: bytes.subarray(0, end), signature: bytes.subarray(end) }
}

function entryMessage(place: EntryPlace, sealed: Uint8Array): Bytes {
  const sequence = new Uint8Array(8)
  new DataView(sequence.buffer).setBigUint64(0, BigInt(place.sequence), true)
  return concatBytes([purpose("entry", idBytes(place.repository), idBytes(place.device), sequence), sealed])
}
