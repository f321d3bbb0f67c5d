/**
 * Encodes the leaves of a listing at about a microsecond per entry, directly into their final bytes. The
 * output equals `encodeCanonical` of the same value (tested). spec/listing.md.
 *
 *     leaf    = [0, [entry …]]
 *     entry   = [shared, suffix bin, type, mode, mtimeNs, uid, gid, user, group, size, content, extras]
 *     content = nil | [class, ids bin] | [class, [list id bin32]]
 *     extras  = nil | {capture, device, hardLink, linkTarget, sparse, xattrs}, only what is present
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import { sharedLength } from "../base/paths.ts"
import { CHUNK_ID_BYTES, type RawPath } from "../base/ids.ts"
import { CanonicalWriter, SCALAR_BYTES_MAX } from "./canonical-writer.ts"
import {
  CAPTURES,
  type Content,
  type Entry,
  ENTRY_TYPES,
  entryFault,
  type EntryType,
  followsAt,
  pathFault,
} from "./listing-entry.ts"
import { NODE_ENTRIES_MAX } from "../base/listing-limits.ts"

/** array(2) ‖ level 0 ‖ the longer head of the array of entries. */
const HEAD_BYTES = 5
/** Most bytes of an entry without strings, ids and extras: twelve scalars and the heads of arrays. */
const FIXED_BYTES: number = 13 * SCALAR_BYTES_MAX

const TYPE_NUMBERS = Object.fromEntries(ENTRY_TYPES.map((type, i) => [type, i])) as Record<EntryType, number>

export class LeafWriter {
  readonly #out = new CanonicalWriter(HEAD_BYTES, 64 * 1024)
  #count = 0
  #first = "" as RawPath
  #last = "" as RawPath

  /** Entries since the last `take`. */
  get count(): number {
    return this.#count
  }

  /** Encoded bytes of these entries, without the node's head. */
  get itemBytes(): number {
    return this.#out.at - HEAD_BYTES
  }

  /** Path of the first of these entries. */
  get first(): RawPath {
    return this.#first
  }

  append(entry: Entry): void {
    const fault = entryFault(entry)
    if (fault !== undefined) assert(false, `an entry of a listing: ${fault}`)
    const out = this.#out
    this.#openEntry(entry.path, variableBytes(entry))
    out.uint(TYPE_NUMBERS[entry.type])
    out.uint(entry.mode)
    out.int64(entry.mtimeNs)
    out.uint(entry.uid)
    out.uint(entry.gid)
    out.text(entry.user)
    out.text(entry.group)
    out.uint(entry.size)
    if (entry.content === null) out.byte(0xc0)
    else writeContent(out, entry.content)
    writeExtras(out, entry)
  }

  /**
   * Appends an entry of an older leaf by its bytes after the suffix, which were checked when it was read.
   */
  appendEncoded(path: RawPath, afterSuffix: Uint8Array): void {
    this.#openEntry(path, afterSuffix.length)
    this.#out.raw(afterSuffix)
  }

  /** Returns the node of all entries since the last call, in its own memory. */
  take(): Bytes {
    const out = this.#out
    const count = this.#count
    assert(count <= NODE_ENTRIES_MAX, "a leaf has at most 1,024 entries")
    const end = out.at
    const start = count < 16 ? HEAD_BYTES - 3 : 0
    out.at = start
    out.byte(0x92)
    out.byte(0)
    out.arrayHead(count)
    out.at = end
    const node = out.copy(start)
    out.at = HEAD_BYTES
    this.#count = 0
    return node
  }

  #openEntry(path: RawPath, moreBytes: number): void {
    let shared = 0
    if (this.#count === 0) {
      this.#first = path
    } else {
      shared = sharedLength(this.#last, path)
      assert(followsAt(this.#last, path, shared), "entries come in the order of a listing")
    }
    const fault = pathFault(path, shared)
    if (fault !== undefined) assert(false, `a path in a listing: ${fault}`)
    const out = this.#out
    out.reserve(FIXED_BYTES + path.length + moreBytes)
    out.byte(0x9c)
    out.uint(shared)
    out.latin1(path, shared)
    this.#last = path
    this.#count++
  }
}

/** Returns the most bytes of an entry besides its path and scalars. */
function variableBytes({ user, group, content, hardLink, linkTarget, xattrs }: Entry): number {
  let bytes = 3 * (user.length + group.length) + CHUNK_ID_BYTES + (content?.chunks?.length ?? 0)
  bytes += EXTRAS_BYTES_MAX + (hardLink?.length ?? 0) + (linkTarget?.length ?? 0)
  for (const { name, value } of xattrs) bytes += 1 + 2 * SCALAR_BYTES_MAX + name.length + value.length
  return bytes
}

function writeContent(out: CanonicalWriter, content: Content): void {
  out.byte(0x92)
  out.uint(content.fileClass)
  if (content.chunks !== undefined) return out.bin(content.chunks)
  out.byte(0x91)
  out.bin(content.list)
}

/** Most bytes of all keys, heads and numbers of extras: 44 bytes of keys, 7 scalars and a map's head. */
const EXTRAS_BYTES_MAX = 128

function writeExtras(out: CanonicalWriter, entry: Entry): void {
  const { capture, device, hardLink, linkTarget, sparse, xattrs } = entry
  const present =
    Number(capture !== "plain") +
    Number(device !== null) +
    Number(hardLink !== null) +
    Number(linkTarget !== null) +
    Number(sparse) +
    Number(xattrs.length > 0)
  if (present === 0) return out.byte(0xc0)
  out.byte(0x80 | present)
  if (capture !== "plain") {
    out.text("capture")
    out.uint(CAPTURES.indexOf(capture))
  }
  if (device !== null) {
    out.text("device")
    out.byte(0x92)
    out.uint(device.major)
    out.uint(device.minor)
  }
  if (hardLink !== null) {
    out.text("hardLink")
    out.latin1(hardLink, 0)
  }
  if (linkTarget !== null) {
    out.text("linkTarget")
    out.latin1(linkTarget, 0)
  }
  if (sparse) {
    out.text("sparse")
    out.byte(0xc3)
  }
  if (xattrs.length > 0) writeXattrs(out, entry)
}

function writeXattrs(out: CanonicalWriter, { xattrs }: Entry): void {
  out.text("xattrs")
  out.arrayHead(xattrs.length)
  for (const { name, value } of xattrs) {
    out.byte(0x92)
    out.latin1(name, 0)
    out.bin(value)
  }
}
