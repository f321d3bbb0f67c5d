/**
 * The records of a zip archive (APPNOTE 6.3, zip64), for `dump`. Written as a stream: sizes and checksum
 * follow the content. Content is deflate's stored blocks, which readers of streams understand too. Names
 * are bytes; one that is UTF-8 is marked so. Pure.
 */
import { concatBytes, type Bytes } from "../base/bytes.ts"
import type { Entry } from "../format/listing-entry.ts"

const NONE_32 = 0xffffffff
const NONE_16 = 0xffff
const VERSION_ZIP64 = 45
const VERSION_DEFLATE = 20
const UNIX = 3
const DEFLATE = 8
const STORED_BLOCK_MAX = 0xffff
const SIZES_FOLLOW = 1 << 3
const UTF8_NAME = 1 << 11
/** Sizes above this get eight bytes; the deflated size is a little more than the content's. */
const PLAIN_MAX = 0xfff00000
const TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const

export interface ZipMember {
  /** As it stands in the archive; folders end with a slash. */
  readonly name: string
  readonly entry: Entry & { readonly type: keyof typeof TYPE_BITS }
  /** Bytes of content. */
  readonly size: number
  /** Where its first record begins. */
  readonly offset: number
}

/** What is known of a member when its content is written. */
export interface ZipSizes {
  readonly crc: number
  readonly packed: number
  readonly size: number
}

export function zipHeader(member: ZipMember): Bytes {
  const { name, entry, size } = member
  const isLarge = size > PLAIN_MAX
  const extra = concatBytes([isLarge ? zip64Extra([0, 0]) : new Uint8Array(), timeExtra(entry)])
  const sizes = isLarge ? NONE_32 : 0
  return concatBytes([
    record([
      [4, 0x04034b50],
      [2, isLarge ? VERSION_ZIP64 : VERSION_DEFLATE],
      [2, flagsOf(name)],
      [2, DEFLATE],
      [4, dosTime(entry)],
      [4, 0],
      [4, sizes],
      [4, sizes],
      [2, name.length],
      [2, extra.length],
    ]),
    nameBytes(name),
    extra,
  ])
}

/** Behind the content. */
export function zipDescriptor({ size: expected }: ZipMember, { crc, packed, size }: ZipSizes): Bytes {
  const width = expected > PLAIN_MAX ? 8 : 4
  return record([
    [4, 0x08074b50],
    [4, crc],
    [width, packed],
    [width, size],
  ])
}

/** The member's line in the directory at the end of the archive. */
export function zipDirectoryEntry(member: ZipMember, { crc, packed, size }: ZipSizes): Bytes {
  const { name, entry, offset } = member
  const isLarge = member.size > PLAIN_MAX
  const isFar = offset >= NONE_32
  const wide = [...(isLarge ? [size, packed] : []), ...(isFar ? [offset] : [])]
  const extra = concatBytes([wide.length > 0 ? zip64Extra(wide) : new Uint8Array(), timeExtra(entry)])
  const mode = TYPE_BITS[entry.type] | (entry.mode & 0o7777)
  return concatBytes([
    record([
      [4, 0x02014b50],
      [2, (UNIX << 8) | VERSION_ZIP64],
      [2, wide.length > 0 ? VERSION_ZIP64 : VERSION_DEFLATE],
      [2, flagsOf(name)],
      [2, DEFLATE],
      [4, dosTime(entry)],
      [4, crc],
      [4, isLarge ? NONE_32 : packed],
      [4, isLarge ? NONE_32 : size],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, mode * 0x10000 + (entry.type === "directory" ? 0x10 : 0)],
      [4, isFar ? NONE_32 : offset],
    ]),
    nameBytes(name),
    extra,
  ])
}

/** @param start where the directory begins */
export function zipEnd(members: number, start: number, directoryBytes: number): Bytes {
  const end = start + directoryBytes
  const zip64 = record([
    [4, 0x06064b50],
    [8, 44],
    [2, (UNIX << 8) | VERSION_ZIP64],
    [2, VERSION_ZIP64],
    [4, 0],
    [4, 0],
    [8, members],
    [8, members],
    [8, directoryBytes],
    [8, start],
    [4, 0x07064b50],
    [4, 0],
    [8, end],
    [4, 1],
  ])
  const isLarge = members >= NONE_16 || start >= NONE_32 || directoryBytes >= NONE_32
  const plain = record([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(members, NONE_16)],
    [2, Math.min(members, NONE_16)],
    [4, Math.min(directoryBytes, NONE_32)],
    [4, Math.min(start, NONE_32)],
    [2, 0],
  ])
  return isLarge ? concatBytes([zip64, plain]) : plain
}

/** Ends every member's content. */
export const LAST_BLOCK: Bytes = new Uint8Array([1, 0, 0, 0xff, 0xff])

/** The content as stored blocks: a head and a part of it each. */
export function* storedBlocks(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += STORED_BLOCK_MAX) {
    const part = content.subarray(at, at + STORED_BLOCK_MAX)
    yield record([
      [1, 0],
      [2, part.length],
      [2, part.length ^ 0xffff],
    ])
    yield part
  }
}

type Field = readonly [width: 1 | 2 | 4 | 8, value: number]

/** Little-endian. */
function record(fields: readonly Field[]): Bytes {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [width, value] of fields) {
    if (width === 1) view.setUint8(at, value)
    else if (width === 2) view.setUint16(at, value, true)
    else if (width === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += width
  }
  return bytes
}

function zip64Extra(values: readonly number[]): Bytes {
  return record([[2, 1], [2, values.length * 8], ...values.map((value): Field => [8, value])])
}

/** Whole seconds of UTC, where four bytes can say them: the time in the record is local and even. */
function timeExtra({ mtimeNs }: Entry): Bytes {
  const seconds = Number(mtimeNs / 1_000_000_000n)
  if (seconds < 0 || seconds > 0x7fffffff) return new Uint8Array()
  return record([
    [2, 0x5455],
    [2, 5],
    [1, 1],
    [4, seconds],
  ])
}

/** From 1980 to 2107, local, in steps of two seconds. */
function dosTime({ mtimeNs }: Entry): number {
  const date = new Date(Number(mtimeNs / 1_000_000n))
  const year = date.getFullYear()
  if (Number.isNaN(year) || year < 1980) return 0x00210000
  if (year > 2107) return 0xff9fbf7d
  const day = ((year - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)
  return day * 0x10000 + time
}

function flagsOf(name: string): number {
  const bytes = Buffer.from(name, "latin1")
  return SIZES_FOLLOW | (Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes) ? UTF8_NAME : 0)
}

function nameBytes(name: string): Bytes {
  return new Uint8Array(Buffer.from(name, "latin1"))
}
