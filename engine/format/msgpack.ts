/**
 * Canonical msgpack, the encoding under every structured object: one value has exactly one encoding.
 * Hostile bytes meet our own validator first, only then msgpackr, and what comes out must encode to
 * the same bytes again. spec/msgpack.md.
 *
 * Must never: accept an extension, a duplicate or unsorted key, or a longer form than needed.
 */
import { Packr, Unpackr } from "msgpackr/pack"

import { type Bytes, compareBytes, equalBytes, release, utf8 } from "../base/bytes.ts"
import { assert, corrupt } from "../base/errors.ts"
import { MSGPACK_BYTES_MAX, MSGPACK_DEPTH_MAX, validateCanonical } from "./msgpack-validator.ts"

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value }

const PACKING_BYTES = 8 * 1024
const PACKING_BYTES_MAX = 1024 * 1024

const packr = new Packr({ useRecords: false, useToJSON: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" })

/** Returns the only encoding of `value`, in new memory. A value without one is a bug of the caller. */
export function encodeCanonical(value: Value): Bytes {
  // msgpackr packs into memory that it shares between calls.
  const packed = packr.pack(prepare(value, 1))
  const encoded = new Uint8Array(packed)
  shrink(packed)
  assert(encoded.length <= MSGPACK_BYTES_MAX, `a msgpack object of ${encoded.length} bytes`)
  return encoded
}

/**
 * Decodes `bytes`. Whole numbers become `number` if safe, else `bigint`. Maps have no prototype.
 * Byte strings are views of `bytes`.
 * @throws corrupt "msgpack", with the name `object`, unless `bytes` are the canonical encoding
 */
export function decodeCanonical(bytes: Uint8Array, object: string): Value {
  const seen = validateCanonical(bytes, object)
  // A new view, because msgpackr sets a property on its input.
  const source = bytes.subarray()
  const value = unpack(source, object)
  const packed = packr.pack(value)
  const isSame = equalBytes(packed, source)
  shrink(packed)
  if (!isSame) throw corrupt("msgpack", object, "does not encode to the same bytes again")
  return seen.maps || seen.wide ? simplify(value) : (value as Value)
}

/**
 * Releases msgpackr's memory after a large object. It grows to four times the largest object and
 * would stay.
 */
function shrink(packed: Buffer): void {
  if (packed.buffer.byteLength <= PACKING_BYTES_MAX) return
  packr.useBuffer(Buffer.allocUnsafeSlow(PACKING_BYTES))
  release(new Uint8Array(packed.buffer))
}

function unpack(source: Uint8Array, object: string): unknown {
  try {
    return unpackr.unpack(source)
  } catch (cause) {
    throw corrupt("msgpack", object, `not readable as msgpack (${(cause as Error).message})`)
  }
}

/**
 * Converts a value to what msgpackr needs for the canonical form: sorted maps, and bigints for wide
 * integers.
 */
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

/** Converts msgpackr's values to ours: safe bigints to numbers, Maps to objects without a prototype. */
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
