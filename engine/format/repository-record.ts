/**
 * The object `repository`: the repository's id, its format, and the public key that signs its trust
 * entries. It isn't sealed. It is trusted only if a keyslot, which seals its digest, or a device's pin
 * matches. spec/keys.md.
 *
 *     object = "HFRP" ‖ msgpack { created, format, id, parameters, root }
 */
import { type Bytes, concatBytes, equalBytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import { corrupt, EngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { schema } from "./schema.ts"

/** The format that this program reads and writes. Becomes 1 when the format is final. */
const REPOSITORY_FORMAT = 0
/** Never change. */
const MAGIC: Bytes = utf8("HFRP")
const RECORD_BYTES_MAX = 64 * 1024

/** Chunking parameters and similar, checked by their users. */
type Parameters = Readonly<Record<string, Value>>

export interface RepositoryRecord {
  readonly id: RepositoryId
  /** Ed25519 public key that signs this repository's trust. */
  readonly root: Bytes
  readonly parameters: Parameters
  readonly createdNs: bigint
}

export function encodeRepository(record: RepositoryRecord): Bytes {
  const { id, root, parameters, createdNs } = record
  const fields = { created: createdNs, format: REPOSITORY_FORMAT, id: fromHex(id) as Bytes, parameters, root }
  return concatBytes([MAGIC, encodeCanonical(fields)])
}

/** @throws invalid "format-too-new" for a newer format; corrupt for anything else that is wrong */
export function decodeRepository(bytes: Uint8Array, object: string): RepositoryRecord {
  const check = schema("repository", object)
  if (bytes.length > RECORD_BYTES_MAX) throw check.refuse("object", `${bytes.length} bytes are too many`)
  const value = decodeMagic(bytes, MAGIC, check.refuse, object)
  const any = check.dictionary(value, "object", 64)
  refuseNewerFormat(any["format"], REPOSITORY_FORMAT, object)
  const fields = check.map(value, "object", ["created", "format", "id", "parameters", "root"])
  check.int(fields.format, "format", { min: REPOSITORY_FORMAT, max: REPOSITORY_FORMAT })
  return {
    id: toHex(check.bytes(fields.id, "id", 16)) as RepositoryId,
    root: check.bytes(fields.root, "root", 32).slice(),
    parameters: check.dictionary(fields.parameters, "parameters", 64),
    createdNs: check.bigInt(fields.created, "created"),
  }
}

/** Returns the value after four bytes of magic. */
export function decodeMagic(
  bytes: Uint8Array,
  magic: Bytes,
  refuse: (field: string, found: string) => Error,
  object: string,
): Value {
  if (!equalBytes(bytes.subarray(0, magic.length), magic))
    throw refuse("magic", "is not this kind of object's")
  return decodeCanonical(bytes.subarray(magic.length), object)
}

/**
 * Called before any field is read, since a newer format may have others.
 * @throws invalid "format-too-new"
 */
export function refuseNewerFormat(found: Value | undefined, known: number, object: string): void {
  if (typeof found !== "number" || found <= known) {
    if (typeof found === "number" && Number.isInteger(found)) return
    throw corrupt("format", object, "the number of its format is missing")
  }
  throw new EngineError(
    "invalid",
    "format-too-new",
    `${object}: is of format ${found}, this program knows ${known}; use a newer one`,
    { detail: { object, format: found } },
  )
}
