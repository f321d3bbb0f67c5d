/**
 * Accepts untrusted bytes only as one canonical msgpack value: shortest forms, sorted keys, no
 * extensions, 16 levels. It allocates nothing by the bytes' claims, since every count is checked
 * against the bytes left. Always runs before msgpackr. spec/msgpack.md.
 */
import { isUtf8 } from "node:buffer"

import { compareBytes } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"

/** Never change. */
export const MSGPACK_DEPTH_MAX = 16
export const MSGPACK_BYTES_MAX: number = 64 * 1024 * 1024

/** Whether there are maps and 64-bit integers, which decoding has to convert. */
export interface Seen {
  readonly maps: boolean
  readonly wide: boolean
}

interface Walk {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly object: string
  at: number
  maps: boolean
  wide: boolean
}

/** @throws corrupt "msgpack" unless `bytes` are one whole canonical value */

export function validateCanonical(bytes: Uint8Array, object: string): Seen {
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

/** Each integer form accepts only values that no shorter form can hold. */
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
  need(walk, length) // every item takes at least one byte
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
