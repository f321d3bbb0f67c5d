/**
 * `dump --archive zip`: writes a zip archive (APPNOTE 6.3, zip64) of files, folders and symbolic links;
 * the format has no other types. Sizes and checksum follow the content, so the archive can be streamed.
 * Content is in deflate's stored blocks, which streaming readers understand. Names are bytes; UTF-8
 * names are flagged.
 */
import { crc32 } from "node:zlib"
import { type Bytes, concatBytes } from "../base/bytes.ts"
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
/** Larger sizes get eight bytes. The deflated size is slightly larger than the content's. */
const PLAIN_MAX = 0xfff00000
const TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const
/** Ends every member's content. */
const LAST_BLOCK: Bytes = new Uint8Array([1, 0, 0, 0xff, 0xff])

export interface ZipSource {
  readonly entries: AsyncIterable<Entry>
  /** The name in the archive; "" skips the entry. */
  readonly nameOf: (entry: Entry) => string
  readonly contentOf: (entry: Entry) => AsyncIterable<Uint8Array>
  /** Returns false if the reader has gone away. */
  readonly write: (bytes: Uint8Array) => Promise<boolean>
}

/** The directory at the end is kept in memory: about 100 bytes and the name per member. */
export async function dumpZip({ entries, nameOf, contentOf, write }: ZipSource): Promise<void> {
  const directory: Bytes[] = []
  let offset = 0
  const put = async (bytes: Uint8Array): Promise<boolean> => {
    offset += bytes.length
    return await write(bytes)
  }
  for await (const entry of entries) {
    const name = nameOf(entry)
    if (name === "" || !isZippable(entry)) continue
    const link = entry.type === "symlink" ? Buffer.from(entry.linkTarget ?? "", "latin1") : undefined
    const size = entry.type === "file" ? entry.size : (link?.length ?? 0)
    const member: ZipMember = { name, entry, size, offset }
    if (!(await put(zipHeader(member)))) return
    const start = offset
    const sizes = { crc: 0, size: 0 }
    for await (const bytes of link === undefined ? contentOf(entry) : [link]) {
      sizes.crc = crc32(bytes, sizes.crc)
      sizes.size += bytes.length
      for (const block of storedBlocks(bytes)) if (!(await put(block))) return
    }
    if (!(await put(LAST_BLOCK))) return
    const done = { ...sizes, packed: offset - start }
    if (!(await put(zipDescriptor(member, done)))) return
    directory.push(zipDirectoryEntry(member, done))
  }
  const start = offset
  for (const line of directory) if (!(await put(line))) return
  await put(zipEnd(directory.length, start, offset - start))
}

function isZippable(entry: Entry): entry is ZipMember["entry"] {
  return entry.type === "file" || entry.type === "directory" || entry.type === "symlink"
}

export interface ZipMember {
  /** The name in the archive. Folders end with a slash. */
  readonly name: string
  readonly entry: Entry & { readonly type: keyof typeof TYPE_BITS }
  /** Bytes of content. */
  readonly size: number
  /** Offset of its first record. */
  readonly offset: number
}

/** Known after the member's content is written. */
interface ZipSizes {
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

/** Returns the record after the content. */
export function zipDescriptor({ size: expected }: ZipMember, { crc, packed, size }: ZipSizes): Bytes {
  const width = expected > PLAIN_MAX ? 8 : 4
  return record([
    [4, 0x08074b50],
    [4, crc],
    [width, packed],
    [width, size],
  ])
}

/** Returns the member's record in the directory at the end of the archive. */
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

/** @param start offset of the directory */
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

/** Yields the content as stored blocks: alternately a block head and its bytes. */
function* storedBlocks(content: Uint8Array): Generator<Uint8Array> {
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

/**
 * Whole seconds of UTC if they fit in four bytes. The main record's time is local and in steps of
 * two seconds.
 */
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

/** Local time from 1980 to 2107, in steps of two seconds. */
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
