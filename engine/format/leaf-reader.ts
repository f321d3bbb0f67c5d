/**
 * Decodes the leaves of a listing at about two microseconds per entry; the mirror of
 * leaf-writer.ts, which has the grammar. Checks every entry by the rules of listing-entry.ts and
 * against the entry before. spec/listing.md.
 */
import type { RawPath } from "../base/ids.ts"
import { CanonicalReader } from "./canonical-reader.ts"
import {
  type Capture,
  CAPTURES,
  type Content,
  type Entry,
  ENTRY_TYPES,
  entryFault,
  type EntryType,
  followsAt,
  pathFault,
  type Xattr,
} from "./listing-entry.ts"
import {
  INLINE_CHUNKS_MAX,
  NODE_ENTRIES_MAX,
  PATH_BYTES_MAX,
  XATTR_BYTES_MAX,
  XATTRS_MAX,
} from "../base/listing-limits.ts"

const U32_MAX = 0xffff_ffff
const EXTRA_KEYS = ["capture", "device", "hardLink", "linkTarget", "sparse", "xattrs"] as const

interface Extras {
  capture: Capture
  device: Entry["device"]
  hardLink: RawPath | null
  linkTarget: RawPath | null
  sparse: boolean
  xattrs: readonly Xattr[]
}

const NO_XATTRS: readonly Xattr[] = []
const NO_EXTRAS: Readonly<Extras> = {
  capture: "plain",
  device: null,
  hardLink: null,
  linkTarget: null,
  sparse: false,
  xattrs: NO_XATTRS,
}

/** Reads the entries of one leaf in order. Ids and values are views of the leaf's bytes. */
export class LeafReader {
  readonly #in: CanonicalReader
  #left: number
  #previous: RawPath | undefined
  #afterSuffix = 0
  /** The previous entry's path as bytes, so each path becomes one flat string. */
  #path: Buffer = Buffer.allocUnsafe(512)

  constructor(bytes: Uint8Array, object: string) {
    this.#in = new CanonicalReader(bytes, "listing-node", object)
    this.#in.tuple(2, "leaf")
    this.#in.uint(0, "level")
    this.#left = this.#in.arrayLength(NODE_ENTRIES_MAX, "entries")
    if (this.#left === 0) this.#in.end()
  }

  /** Entries that `next` has not returned yet. */
  get left(): number {
    return this.#left
  }

  /** The bytes after the suffix in the last entry of `next`, for `LeafWriter.appendEncoded`. */
  get afterSuffix(): Uint8Array {
    return this.#in.bytes.subarray(this.#afterSuffix, this.#in.at)
  }

  /** Call while `left` is above 0. The last entry must end the leaf. */
  next(): Entry {
    const input = this.#in
    input.tuple(12, "entry")
    const path = this.#readPath()
    this.#afterSuffix = input.at
    const entry = this.#readFields(path)
    const fault = entryFault(entry)
    if (fault !== undefined) throw input.refuse(`an entry with ${fault}`)
    this.#previous = path
    this.#left--
    if (this.#left === 0) input.end()
    return entry
  }

  #readPath(): RawPath {
    const input = this.#in
    const previous = this.#previous
    const shared = input.uint(PATH_BYTES_MAX, "shared")
    const length = input.binLength(PATH_BYTES_MAX, "suffix")
    if (shared > (previous?.length ?? 0)) throw input.refuse("shared: more than the path before has")
    if (shared + length > this.#path.length) this.#growPath(shared, 2 * (shared + length))
    this.#path.set(input.bytes.subarray(input.at, input.at + length), shared)
    input.at += length
    const path = this.#path.toString("latin1", 0, shared + length) as RawPath
    if (previous !== undefined && !followsAt(previous, path, shared)) {
      throw input.refuse("entries are not in the order of a listing, or shared is not the longest prefix")
    }
    const fault = pathFault(path, shared)
    if (fault !== undefined) throw input.refuse(`an entry with ${fault}`)
    return path
  }

  #growPath(kept: number, length: number): void {
    const larger = Buffer.allocUnsafe(length)
    larger.set(this.#path.subarray(0, kept))
    this.#path = larger
  }

  #readFields(path: RawPath): Entry {
    const input = this.#in
    const type = ENTRY_TYPES[input.uint(ENTRY_TYPES.length - 1, "type")] as EntryType
    const mode = input.uint(0o7777, "mode")
    const mtimeNs = input.int64("mtimeNs")
    const uid = input.uint(U32_MAX, "uid")
    const gid = input.uint(U32_MAX, "gid")
    const user = input.text("user", 0)
    const group = input.text("group", 1)
    const size = input.uint(Number.MAX_SAFE_INTEGER, "size")
    const content = input.nil() ? null : readContent(input)
    const { capture, device, hardLink, linkTarget, sparse, xattrs } = input.nil()
      ? NO_EXTRAS
      : readExtras(input)
    return {
      path,
      type,
      mode,
      mtimeNs,
      uid,
      gid,
      user,
      group,
      size,
      content,
      linkTarget,
      device,
      hardLink,
      xattrs,
      sparse,
      capture,
    }
  }
}

function readContent(input: CanonicalReader): Content {
  input.tuple(2, "content")
  const fileClass = input.uint(0xff, "class")
  if (input.peek() !== 0x91) return { fileClass, chunks: input.bin(32 * INLINE_CHUNKS_MAX, "chunk ids") }
  input.tuple(1, "chunk list")
  return { fileClass, list: input.bin(32, "chunk list") as Content["list"] & Uint8Array }
}

function readExtras(input: CanonicalReader): Extras {
  const extras: Extras = { ...NO_EXTRAS }
  const count = input.mapLength("extras")
  if (count === 0) throw input.refuse("extras: an empty map instead of nil")
  let last = -1
  for (let i = 0; i < count; i++) {
    const key = input.text("extras")
    const index = EXTRA_KEYS.findIndex((known) => known === key)
    if (index <= last) throw input.refuse("extras: a key that is unknown or out of order")
    last = index
    readExtra(input, extras, EXTRA_KEYS[index] as (typeof EXTRA_KEYS)[number])
  }
  return extras
}

function readExtra(input: CanonicalReader, extras: Extras, key: (typeof EXTRA_KEYS)[number]): void {
  switch (key) {
    case "capture": {
      const capture = CAPTURES[input.uint(CAPTURES.length - 1, key)]
      if (capture === undefined || capture === "plain") throw input.refuse("capture: 0 instead of no capture")
      extras.capture = capture
      break
    }
    case "device":
      input.tuple(2, key)
      extras.device = { major: input.uint(U32_MAX, key), minor: input.uint(U32_MAX, key) }
      break
    case "hardLink":
    case "linkTarget":
      extras[key] = input.latin1(PATH_BYTES_MAX, key) as RawPath
      break
    case "sparse":
      extras[key] = input.true(key)
      break
    case "xattrs":
      extras.xattrs = readXattrs(input)
  }
}

function readXattrs(input: CanonicalReader): Xattr[] {
  const count = input.arrayLength(XATTRS_MAX, "xattrs")
  if (count === 0) throw input.refuse("xattrs: an empty array")
  const xattrs: Xattr[] = []
  for (let i = 0; i < count; i++) {
    input.tuple(2, "xattr")
    const name = input.latin1(XATTR_BYTES_MAX, "xattr name") as RawPath
    xattrs.push({ name, value: input.bin(XATTR_BYTES_MAX, "xattr value") })
  }
  return xattrs
}
