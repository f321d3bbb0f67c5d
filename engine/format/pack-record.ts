/**
 * A pack's record in chain entries and index segments: eight fields, then the pack's directory. Also the
 * small values that both share. spec/segment.md, spec/log-entry.md.
 *
 *     [name bin32, size, epoch, salt bin24, directory offset, its sealed length, raw length, codec, directory]
 */
import { assert } from "../base/errors.ts"
import { type Bytes, toHex } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import type { Value } from "./msgpack.ts"
import { FRAME_RAW_BYTES_MAX, locatorFault, PACK_BYTES_MAX, type PackRecord } from "./pack.ts"
import type { Schema } from "./schema.ts"
import { SALT_BYTES } from "./sealed-header.ts"

export interface PackWithDirectory {
  readonly record: PackRecord
  /** The encoded, decompressed directory; null if it must be read from the pack. */
  readonly directory: Bytes | null
}

const U32_MAX = 0xffff_ffff
const DIGEST_BYTES = 32

export function packValue({ record, directory }: PackWithDirectory): Value {
  const wrong = recordFault(record, directory)
  assert(wrong === undefined, `record of pack ${record.name}: ${wrong}`)
  return [
    digestValue(record.name),
    record.sizeBytes,
    record.epoch,
    record.salt,
    record.directoryOffset,
    record.directorySealedLength,
    record.directoryRawLength,
    record.directoryCodec,
    directory,
  ]
}

export function readPack(s: Schema, value: Value, field: string): PackWithDirectory {
  const items = s.tuple(value, field, 9)
  const at = (index: number): Value => items[index] as Value
  const u32 = (index: number, name: string): number =>
    s.int(at(index), `${field} ${name}`, { min: 0, max: U32_MAX })
  const record: PackRecord = {
    name: readDigest(s, at(0), `${field} name`),
    sizeBytes: s.int(at(1), `${field} size`, { min: 0, max: PACK_BYTES_MAX }),
    epoch: s.int(at(2), `${field} epoch`, { min: 1, max: U32_MAX }),
    salt: s.bytes(at(3), `${field} salt`, SALT_BYTES),
    directoryOffset: u32(4, "directory offset"),
    directorySealedLength: u32(5, "directory sealed length"),
    directoryRawLength: u32(6, "directory raw length"),
    directoryCodec: s.int(at(7), `${field} directory codec`, { min: 0, max: 255 }),
  }
  const directory = s.optional(at(8), `${field} directory`, (it, name) =>
    s.bytesUpTo(it, name, FRAME_RAW_BYTES_MAX),
  )
  const wrong = recordFault(record, directory)
  if (wrong !== undefined) throw s.refuse(field, wrong)
  return { record, directory }
}

function recordFault(record: PackRecord, directory: Bytes | null): string | undefined {
  if (directory !== null && directory.length !== record.directoryRawLength) {
    return `a directory of ${directory.length} bytes instead of ${record.directoryRawLength}`
  }
  return locatorFault(record, record.sizeBytes)
}

/** Returns a copy sorted by name, the order of the encoding. */
export function sortedPacks<T extends PackWithDirectory>(packs: readonly T[]): T[] {
  return packs.toSorted((a, b) => (a.record.name < b.record.name ? -1 : 1))
}

export function digestValue(digest: Digest): Bytes {
  assert(digest.length === 2 * DIGEST_BYTES, `${digest} is not a digest`)
  return hexValue(digest)
}

/** Returns the bytes of an id in hex. */
export function hexValue(hex: string): Bytes {
  return new Uint8Array(Buffer.from(hex, "hex"))
}

export function readDigest(s: Schema, value: Value, field: string): Digest {
  return toHex(s.bytes(value, field, DIGEST_BYTES)) as Digest
}

/** Encodes digests as a sorted set. Strictly ascending, so a set has one encoding. */
export function digestSetValue(digests: readonly Digest[]): Value {
  return digests.toSorted().map(digestValue)
}

export function readDigestSet(s: Schema, value: Value, field: string): Digest[] {
  const digests = s.array(value, field, U32_MAX).map((item, i) => readDigest(s, item, `${field} ${i}`))
  checkAscending(s, digests, field)
  return digests
}

/** Refuses texts that are not strictly ascending. Hex keeps the order of the bytes. */
export function checkAscending(s: Schema, keys: readonly string[], field: string): void {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) >= (keys[i] as string))
      throw s.refuse(field, `item ${i} is not above the one before`)
  }
}
