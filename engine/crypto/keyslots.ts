/**
 * Makes and opens keyslots. A keyslot leads from a secret of a person or a configuration to an
 * X25519 pair that the trust state is sealed to. Every wrong secret gives the same error, which
 * reveals nothing. spec/keys.md.
 */
import { timingSafeEqual } from "node:crypto"

import { type Bytes, toHex, utf8 } from "../base/bytes.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import {
  decodeKeyslot,
  encodeKeyslot,
  type KdfParameters,
  type Keyslot,
  keyslotBound,
  type SlotKind,
} from "../format/keyslot.ts"
import { keyslotName, REPOSITORY_NAME } from "../format/names.ts"
import { ONCE_KEY_BYTES, openOnce, sealOnce } from "./aead.ts"
import { argon2id } from "./argon2.ts"
import { hkdf, idBytes, purpose } from "./derive.ts"
import { checkDigest, digestOf } from "./digest.ts"
import { type KeyPair, sealingPair } from "./keypair.ts"

/** The secret of a keyslot. `bytes` is the raw 32-byte key, or the 32 bytes of the 24 words. */
export type SlotSecret =
  | { readonly kind: "passphrase"; readonly text: string }
  | { readonly kind: "key" | "recovery"; readonly bytes: Uint8Array }

/** Parameters for a new passphrase; see spec/decisions/0002. */
const KDF_DEFAULT: KdfParameters = { memoryKiB: 256 * 1024, passes: 3, lanes: 4 }

export interface NewKeyslot {
  readonly repository: RepositoryId
  /** SHA-256 of the object `repository`. */
  readonly repositoryDigest: Digest
  readonly secret: SlotSecret
  /** 32 fresh random bytes. */
  readonly salt: Bytes
  /** For a passphrase; default `KDF_DEFAULT`. */
  readonly kdf?: KdfParameters
}

export interface OpenedSlot {
  /** Digest of the keyslot object. The trust state lists the slot by it. */
  readonly id: Digest
  readonly kind: SlotKind
  /** The X25519 pair that boxes are sealed to. */
  readonly pair: KeyPair
}

/** A keyslot object from the store. */
export interface StoredSlot {
  readonly id: Digest
  readonly bytes: Uint8Array
}

export async function makeKeyslot(input: NewKeyslot): Promise<OpenedSlot & { readonly bytes: Bytes }> {
  const { repository, repositoryDigest, secret, salt } = input
  const { kind } = secret
  const kdf = kind === "passphrase" ? (input.kdf ?? KDF_DEFAULT) : null
  const { pair, sealKey } = await deriveSlot(secret, salt, kdf)
  const open: Omit<Keyslot, "sealed"> = { repository, kind, kdf, salt, public: pair.public }
  const sealed = sealOnce(sealKey, idBytes(repositoryDigest), keyslotBound(open))
  const bytes = encodeKeyslot({ ...open, sealed })
  return { id: digestOf(bytes), kind, pair, bytes }
}

/**
 * Tries `secret` on every slot of its kind and returns the first that opens. Checks that the slot
 * was made for this `repository` object.
 * @throws denied "wrong-key" if none opens; corrupt if a slot of this kind is damaged, or if the
 * repository object doesn't match
 */
export async function openKeyslots(
  slots: readonly StoredSlot[],
  secret: SlotSecret,
  repository: Uint8Array,
): Promise<OpenedSlot> {
  let damaged: EngineError | undefined
  for (const slot of slots) {
    try {
      const opened = await openKeyslot(slot, secret, digestOf(repository))
      if (opened !== undefined) return opened
    } catch (error) {
      if (!isEngineError(error) || error.code === "repository-digest") throw error
      damaged ??= error
    }
  }
  throw damaged ?? wrongKey()
}

/** Returns undefined if the slot is of another kind or doesn't open with this secret. */
export async function openKeyslot(
  slot: StoredSlot,
  secret: SlotSecret,
  repositoryDigest: Digest,
): Promise<OpenedSlot | undefined> {
  const object = keyslotName(slot.id)
  checkDigest(slot.bytes, slot.id, object)
  const found = decodeKeyslot(slot.bytes, object)
  if (found.kind !== secret.kind) return undefined
  const { pair, sealKey } = await deriveSlot(secret, found.salt, found.kdf)
  const isRight = timingSafeEqual(pair.public, found.public)
  const sealedDigest = openOnce(sealKey, found.sealed, keyslotBound(found))
  if (!isRight || sealedDigest === undefined) return undefined
  if (toHex(sealedDigest) !== repositoryDigest) {
    throw corrupt("repository-digest", REPOSITORY_NAME, `damaged or replaced: it does not match ${object}`)
  }
  return { id: slot.id, kind: found.kind, pair }
}

/** The only error for a wrong secret. */
export function wrongKey(): EngineError {
  const message = "wrong passphrase, key or recovery words for this repository"
  return new EngineError("denied", "wrong-key", message)
}

async function deriveSlot(
  secret: SlotSecret,
  salt: Bytes,
  kdf: KdfParameters | null,
): Promise<{ pair: KeyPair; sealKey: Bytes }> {
  const key = await slotSecretBytes(secret, salt, kdf)
  const pair = sealingPair(hkdf({ key, salt, info: purpose("slot-x25519"), length: 32 }))
  const sealKey = hkdf({ key, salt, info: purpose("slot-seal"), length: ONCE_KEY_BYTES })
  key.fill(0)
  return { pair, sealKey }
}

async function slotSecretBytes(secret: SlotSecret, salt: Bytes, kdf: KdfParameters | null): Promise<Bytes> {
  if (secret.kind === "passphrase") {
    if (kdf === null) throw wrongKey()
    // Systems may type the same passphrase in different Unicode forms.
    const password = utf8(secret.text.normalize("NFKC"))
    if (password.length === 0) throw new EngineError("invalid", "empty-passphrase", "the passphrase is empty")
    return argon2id(password, salt, kdf)
  }
  if (secret.bytes.length !== 32) {
    const message = `a ${secret.kind === "key" ? "raw key" : "recovery secret"} must have 32 bytes, found ${secret.bytes.length}`
    throw new EngineError("invalid", "secret-length", message)
  }
  return new Uint8Array(secret.bytes)
}
