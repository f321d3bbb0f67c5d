/**
 * A keyslot: turns one secret (passphrase, raw key, recovery words) into an X25519 pair. The sealed digest
 * of the repository object proves that secret and repository are right. It contains no data key: those
 * are sealed to its public key in the trust entry. spec/keys.md.
 *
 *     object = "HFKS" ‖ msgpack { kdf, kind, public, repository, salt, sealed, v }
 */
import { type Bytes, concatBytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import type { RepositoryId } from "../base/ids.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"
import { decodeMagic, refuseNewerFormat } from "./repository-record.ts"
import { type IntBounds, schema, type Schema } from "./schema.ts"

export type SlotKind = "passphrase" | "key" | "recovery"

/** Argon2id's parameters. They come from the store, so their bounds are checked before they are used. */
export interface KdfParameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

export interface Keyslot {
  readonly repository: RepositoryId
  readonly kind: SlotKind
  /** Only a passphrase is stretched: the other secrets are 256 random bits. */
  readonly kdf: KdfParameters | null
  readonly salt: Bytes
  /** The X25519 public key derived from the secret. */
  readonly public: Bytes
  /** AEAD of the repository object's digest. */
  readonly sealed: Bytes
}

/** Never widen without a decision: the lower bounds are an attacker's cost per guess. */
const KDF_BOUNDS: Readonly<Record<keyof KdfParameters, IntBounds>> = {
  memoryKiB: { min: 64 * 1024, max: 1024 * 1024 },
  passes: { min: 2, max: 10 },
  lanes: { min: 1, max: 8 },
}

/** Never change. */
const SLOT_SALT_BYTES = 32
const SLOT_SEALED_BYTES = 48
const MAGIC: Bytes = utf8("HFKS")
const SLOT_VERSION = 0
const SLOT_BYTES_MAX = 4096
const SLOT_KINDS = ["passphrase", "key", "recovery"] as const

export function encodeKeyslot(slot: Keyslot): Bytes {
  return concatBytes([MAGIC, encodeCanonical({ ...openFields(slot), sealed: slot.sealed })])
}

/** Returns the bytes that the seal binds: the whole object without the field `sealed`. */
export function keyslotBound(slot: Omit<Keyslot, "sealed">): Bytes {
  return concatBytes([MAGIC, encodeCanonical(openFields(slot))])
}

export function decodeKeyslot(bytes: Uint8Array, object: string): Keyslot {
  const check = schema("keyslot", object)
  if (bytes.length > SLOT_BYTES_MAX) throw check.refuse("object", `${bytes.length} bytes are too many`)
  const value = decodeMagic(bytes, MAGIC, check.refuse, object)
  refuseNewerFormat(check.dictionary(value, "object", 64)["v"], SLOT_VERSION, object)
  const fields = check.map(value, "object", ["kdf", "kind", "public", "repository", "salt", "sealed", "v"])
  check.int(fields.v, "v", { min: SLOT_VERSION, max: SLOT_VERSION })
  const kind = check.oneOf(fields.kind, "kind", SLOT_KINDS)
  const kdf = check.optional(fields.kdf, "kdf", (found, field) => decodeKdf(check, found, field))
  if ((kind === "passphrase") !== (kdf !== null))
    throw check.refuse("kdf", `does not fit a slot of kind ${kind}`)
  return {
    repository: toHex(check.bytes(fields.repository, "repository", 16)) as RepositoryId,
    kind,
    kdf,
    salt: check.bytes(fields.salt, "salt", SLOT_SALT_BYTES).slice(),
    public: check.bytes(fields.public, "public", 32).slice(),
    sealed: check.bytes(fields.sealed, "sealed", SLOT_SEALED_BYTES).slice(),
  }
}

function decodeKdf(check: Schema, value: Value, field: string): KdfParameters {
  const fields = check.map(value, field, ["lanes", "memoryKiB", "name", "passes"])
  check.oneOf(fields.name, `${field}.name`, ["argon2id"])
  return {
    memoryKiB: check.int(fields.memoryKiB, `${field}.memoryKiB`, KDF_BOUNDS.memoryKiB),
    passes: check.int(fields.passes, `${field}.passes`, KDF_BOUNDS.passes),
    lanes: check.int(fields.lanes, `${field}.lanes`, KDF_BOUNDS.lanes),
  }
}

function openFields(slot: Omit<Keyslot, "sealed">): { [key: string]: Value } {
  return {
    kdf: slot.kdf === null ? null : { ...slot.kdf, name: "argon2id" },
    kind: slot.kind,
    public: slot.public,
    repository: fromHex(slot.repository) as Bytes,
    salt: slot.salt,
    v: SLOT_VERSION,
  }
}
