/**
 * Canonical msgpack, the encoding under every structured object: one value has exactly one encoding.
 * Hostile bytes meet our own validator first (no allocation, no recursion deeper than 16), only then
 * msgpackr, and what comes out must encode to the same bytes again. spec/msgpack.md.
 *
 * Must never: accept an extension, a duplicate or unsorted key, or a longer form than needed.
 */
import { isUtf8 } from "node:buffer"
import { Packr, Unpackr } from "msgpackr"

import { assert } from "../base/assert.ts"
import { compareBytes, equalBytes, utf8 } from "../base/bytes.ts"
import type { Bytes } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value }

/** Never change. */
export const MSGPACK_DEPTH_MAX = 16
export const MSGPACK_BYTES_MAX: number = 64 * 1024 * 1024

const packr = new Packr({ useRecords: false, useToJSON: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" })

/** The one encoding of `value`, in fresh memory. A value that has none is a bug of the caller's. */
export function encodeCanonical(value: Value): Bytes {
  // msgpackr packs into memory that it shares between calls.
  const encoded = new Uint8Array(packr.pack(prepare(value, 1)))
  assert(encoded.length <= MSGPACK_BYTES_MAX, `a msgpack object of ${encoded.length} bytes`)
  return encoded
}

/**
 * The value that `bytes` encode. Whole numbers come back as `number` when safe, else as `bigint`;
 * maps have no prototype; byte strings are views of `bytes`. Anything else than the one canonical
 * encoding is `corrupt`, code "msgpack", in the name of `object`.
 */
export function decodeCanonical(bytes: Uint8Array, object: string): Value {
  const seen = validate(bytes, object)
  // A fresh view, because msgpackr hangs a property on what it reads.
  const source = bytes.subarray()
  const packed = unpack(source, object)
  if (!equalBytes(packr.pack(packed), source))
    throw refusal(object, 0, "does not encode to the same bytes again")
  return seen.maps || seen.wide ? simplify(packed) : (packed as Value)
}

function unpack(source: Uint8Array, object: string): unknown {
  try {
    return unpackr.unpack(source)
  } catch (cause) {
    throw corrupt("msgpack", object, `not readable as msgpack (${(cause as Error).message})`)
  }
}

/** What msgpackr needs to write the canonical form: sorted maps, and bigints for wide integers. */
function prepare(value: Value, depth: number): unknown {
  if (typeof value === "number") return prepareNumber(value)
  if (typeof value === "bigint") return prepareBigInt(value)
  if (typeof value === "string") {
    assert(value.isWellFormed(), "text with a lone surrogate has no UTF-8 form")
    return value
  }
  if (value === null || typeof value === "boolean" || value instanceof Uint8Array) return value
  assert(depth <= MSGPACK_DEPTH_MAX, `msgpack nested deeper than ${MSGPACK_DEPTH_MAX}`)
  if (Array.isArray(value)) return value.map((item: Value) => prepare(item, depth + 1))
  return prepareMap(value as { readonly [key: string]: Value }, depth)
}

function prepareNumber(value: number): number | bigint {
  if (!Number.isInteger(value)) {
    assert(Number.isFinite(value), "a float that is not finite has no canonical form")
    return value
  }
  assert(Number.isSafeInteger(value), `the integer ${value} is not exact; use a bigint`)
  if (value >= -0x8000_0000 && value <= 0xffff_ffff) return value + 0 // -0 becomes 0
  return BigInt(value)
}

function prepareBigInt(value: bigint): number | bigint {
  if (value >= -0x8000_0000n && value <= 0xffff_ffffn) return Number(value)
  assert(value >= -(2n ** 63n) && value < 2n ** 64n, "an integer beyond 64 bits")
  return value
}

function prepareMap(value: { readonly [key: string]: Value }, depth: number): Map<string, unknown> {
  const entries = Object.entries(value).map(([key, item]) => ({ key, bytes: utf8(key), item }))
  entries.sort((a, b) => compareBytes(a.bytes, b.bytes))
  // A Map, since objects enumerate keys like "10" out of order.
  const map = new Map<string, unknown>()
  for (const { key, item } of entries) {
    assert(key.isWellFormed(), "a key with a lone surrogate has no UTF-8 form")
    map.set(key, prepare(item, depth + 1))
  }
  return map
}

/** From msgpackr's shapes to ours: safe bigints to numbers, Maps to objects without a prototype. */
function simplify(value: unknown): Value {
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (typeof item === "object" || typeof item === "bigint") value[i] = simplify(item)
    }
    return value as Value[]
  }
  if (value instanceof Map) {
    const object = Object.create(null) as Record<string, Value>
    for (const [key, item] of value as Map<string, unknown>) object[key] = simplify(item)
    return object
  }
  return value as Value
}

interface Walk {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly object: string
  at: number
  /** Whether there are maps, and 64-bit integers, which decoding has to convert. */
  maps: boolean
  wide: boolean
}

function validate(bytes: Uint8Array, object: string): Walk {
  if (bytes.length > MSGPACK_BYTES_MAX) throw refusal(object, 0, `longer than ${MSGPACK_BYTES_MAX} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const walk: Walk = { bytes, view, object, at: 0, maps: false, wide: false }
  walkValue(walk, 1)
  if (walk.at !== bytes.length) throw refusal(object, walk.at, `${bytes.length - walk.at} bytes too many`)
  return walk
}

function walkValue(walk: Walk, depth: number): void {
  need(walk, 1)
  const first = walk.bytes[walk.at++] as number
  if (first < 0x80 || first >= 0xe0 || first === 0xc0 || first === 0xc2 || first === 0xc3) return
  if (first < 0x90) return walkMap(walk, first & 0x0f, depth)
  if (first < 0xa0) return walkArray(walk, first & 0x0f, depth)
  if (first < 0xc0) return walkText(walk, first & 0x1f)
  switch (first) {
    case 0xc4:
      return skip(walk, count(walk, 1, 0))
    case 0xc5:
      return skip(walk, count(walk, 2, 0x100))
    case 0xc6:
      return skip(walk, count(walk, 4, 0x1_0000))
    case 0xd9:
      return walkText(walk, count(walk, 1, 0x20))
    case 0xda:
      return walkText(walk, count(walk, 2, 0x100))
    case 0xdb:
      return walkText(walk, count(walk, 4, 0x1_0000))
    case 0xdc:
      return walkArray(walk, count(walk, 2, 0x10), depth)
    case 0xdd:
      return walkArray(walk, count(walk, 4, 0x1_0000), depth)
    case 0xde:
      return walkMap(walk, count(walk, 2, 0x10), depth)
    case 0xdf:
      return walkMap(walk, count(walk, 4, 0x1_0000), depth)
    case 0xcb:
      return walkFloat(walk)
    default:
      return walkInteger(walk, first)
  }
}

/** Each form of an integer holds exactly what no shorter form can. */
function walkInteger(walk: Walk, first: number): void {
  const at = walk.at
  switch (first) {
    case 0xcc:
      count(walk, 1, 0x80)
      return
    case 0xcd:
      count(walk, 2, 0x100)
      return
    case 0xce:
      count(walk, 4, 0x1_0000)
      return
    case 0xd0:
      return shortest(walk, need(walk, 1).getInt8(at) < -0x20, 1)
    case 0xd1:
      return shortest(walk, need(walk, 2).getInt16(at) < -0x80, 2)
    case 0xd2:
      return shortest(walk, need(walk, 4).getInt32(at) < -0x8000, 4)
    case 0xd3: {
      walk.wide = true
      const high = need(walk, 8).getInt32(at)
      const low = walk.view.getUint32(at + 4)
      return shortest(walk, high > 0 || high < -1 || (high === -1 && low < 0x8000_0000), 8)
    }
    case 0xcf:
      walk.wide = true
      return shortest(walk, need(walk, 8).getUint32(at) >= 0x8000_0000, 8)
    default:
      throw refusal(walk.object, at - 1, `type byte 0x${first.toString(16)} is not allowed`)
  }
}

function walkFloat(walk: Walk): void {
  const value = need(walk, 8).getFloat64(walk.at)
  if (!Number.isFinite(value)) throw refusal(walk.object, walk.at, "a float that is not finite")
  if (Number.isInteger(value)) throw refusal(walk.object, walk.at, "a whole number as a float")
  walk.at += 8
}

function walkText(walk: Walk, length: number): void {
  need(walk, length)
  const text = walk.bytes.subarray(walk.at, walk.at + length)
  if (!isUtf8(text)) throw refusal(walk.object, walk.at, "text that is not UTF-8")
  walk.at += length
}

function walkArray(walk: Walk, length: number, depth: number): void {
  if (depth > MSGPACK_DEPTH_MAX)
    throw refusal(walk.object, walk.at, `nested deeper than ${MSGPACK_DEPTH_MAX}`)
  need(walk, length) // every item takes a byte at least
  for (let i = 0; i < length; i++) walkValue(walk, depth + 1)
}

function walkMap(walk: Walk, length: number, depth: number): void {
  walk.maps = true
  if (depth > MSGPACK_DEPTH_MAX)
    throw refusal(walk.object, walk.at, `nested deeper than ${MSGPACK_DEPTH_MAX}`)
  need(walk, 2 * length)
  let previous: Uint8Array | undefined
  for (let i = 0; i < length; i++) {
    const key = walkKey(walk)
    if (previous !== undefined && compareBytes(previous, key) >= 0) {
      throw refusal(walk.object, walk.at - key.length, "map keys that are not sorted or not unique")
    }
    previous = key
    walkValue(walk, depth + 1)
  }
}

function walkKey(walk: Walk): Uint8Array {
  need(walk, 1)
  const first = walk.bytes[walk.at] as number
  const isText = (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb)
  if (!isText) throw refusal(walk.object, walk.at, "a map key that is not text")
  const header = first < 0xc0 ? 1 : 1 + (1 << (first - 0xd9))
  const start = walk.at + header
  walkValue(walk, MSGPACK_DEPTH_MAX)
  return walk.bytes.subarray(start, walk.at)
}

/** Reads a count or an unsigned integer of `size` bytes that must be at least `least`. */
function count(walk: Walk, size: 1 | 2 | 4, least: number): number {
  const view = need(walk, size)
  const value =
    size === 1 ? view.getUint8(walk.at) : size === 2 ? view.getUint16(walk.at) : view.getUint32(walk.at)
  if (value < least) throw refusal(walk.object, walk.at, "not the shortest form")
  walk.at += size
  return value
}

function shortest(walk: Walk, holds: boolean, size: number): void {
  if (!holds) throw refusal(walk.object, walk.at, "not the shortest form")
  walk.at += size
}

function skip(walk: Walk, length: number): void {
  need(walk, length)
  walk.at += length
}

function need(walk: Walk, length: number): DataView {
  const left = walk.bytes.length - walk.at
  if (length > left)
    throw refusal(walk.object, walk.at, `${length} bytes or more are claimed, ${left} are there`)
  return walk.view
}

function refusal(object: string, offset: number, why: string): Error {
  return corrupt("msgpack", object, `not canonical msgpack at byte ${offset}: ${why}`)
}
