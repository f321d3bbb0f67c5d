/**
 * The private part of the trust state: keys that stay the same in all epochs, and labels of devices
 * and slots. It is the body of a sealed object of kind 4 in every trust entry. spec/trust.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { decodeCanonical, encodeCanonical } from "./msgpack.ts"
import { schema } from "./schema.ts"

export interface TrustPrivate {
  /** 32 random bytes. Chunk ids are derived from it. */
  readonly chunkKey: Bytes
  /** 32 random bytes. The chunker's gear table is derived from it. */
  readonly chunkerKey: Bytes
  /** By device id or slot id. */
  readonly labels: ReadonlyMap<string, string>
}

const LABEL_BYTES_MAX = 256
const LABELS_MAX = 4096

export function encodeTrustPrivate(part: TrustPrivate): Bytes {
  const { chunkKey, chunkerKey } = part
  return encodeCanonical({ chunkKey, chunkerKey, labels: Object.fromEntries(part.labels), v: 0 })
}

export function decodeTrustPrivate(bytes: Uint8Array, object: string): TrustPrivate {
  const check = schema("trust-private", object)
  const fields = check.map(decodeCanonical(bytes, object), "private", [
    "chunkKey",
    "chunkerKey",
    "labels",
    "v",
  ])
  check.int(fields.v, "private.v", { min: 0, max: 0 })
  const labels = new Map<string, string>()
  for (const [id, label] of Object.entries(check.dictionary(fields.labels, "private.labels", LABELS_MAX))) {
    if (!/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(id)) throw check.refuse("private.labels", "a key that is no id")
    labels.set(id, check.text(label, "private.labels", LABEL_BYTES_MAX))
  }
  return {
    chunkKey: check.bytes(fields.chunkKey, "private.chunkKey", 32).slice(),
    chunkerKey: check.bytes(fields.chunkerKey, "private.chunkerKey", 32).slice(),
    labels,
  }
}
