/**
 * Reads canonical msgpack by hand; the mirror of canonical-writer.ts. It accepts exactly what
 * `decodeCanonical` accepts (tested), and an entry of a listing costs two microseconds. Nothing is
 * allocated before its length is checked against the bytes left. spec/msgpack.md.
 */
import { isUtf8 } from "node:buffer"

import { asBuffer, type Bytes } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"

export class CanonicalReader {
  /** Offset of the next byte. */
  at = 0
  readonly bytes: Bytes
  readonly #buffer: Buffer
  readonly #code: string
  readonly #object: string
  readonly #texts: [string, string] = ["", ""]
  readonly #textStarts: [number, number] = [0, 0]

  /** @param code for values of a wrong kind or size; bytes that aren't canonical have "msgpack" */
  constructor(bytes: Uint8Array, code: string, object: string) {
    this.bytes = bytes as Bytes
    this.#buffer = asBuffer(bytes)
    this.#code = code
    this.#object = object
  }

  /** Returns the error for a rule that the caller found broken. */
  refuse(found: string): Error {
    return corrupt(this.#code, this.#object, found)
  }

  #malformed(why: string): Error {
    return corrupt("msgpack", this.#object, `not canonical msgpack at byte ${this.at}: ${why}`)
  }

  end(): void {
    const left = this.bytes.length - this.at
    if (left !== 0) throw this.#malformed(`${left} bytes too many`)
  }

  /** Returns the type byte of the next value without reading it. */
  peek(): number {
    this.#need(1)
    return this.bytes[this.at] as number
  }

  /** Reads nil and returns true, or reads nothing and returns false. */
  nil(): boolean {
    if (this.peek() !== 0xc0) return false
    this.at++
    return true
  }

  true(field: string): true {
    if (this.peek() !== 0xc3) throw this.refuse(`${field}: not true`)
    this.at++
    return true
  }

  /** Reads a whole number from 0 to `max`, which is a safe integer. */
  uint(max: number, field: string): number {
    const value = this.#uint(field)
    if (value > max) throw this.refuse(`${field}: ${value} is above ${max}`)
    return value
  }

  #uint(field: string): number {
    const first = this.peek()
    if (first < 0x80) {
      this.at++
      return first
    }
    switch (first) {
      case 0xcc:
        return this.#sized(1, 0x80)
      case 0xcd:
        return this.#sized(2, 0x100)
      case 0xce:
        return this.#sized(4, 0x1_0000)
      case 0xd3: {
        this.#need(9)
        const high = this.#buffer.readInt32BE(this.at + 1)
        if (high <= 0 || high >= 0x20_0000) throw this.refuse(`${field}: not a whole number in range`)
        const value = high * 0x1_0000_0000 + this.#buffer.readUInt32BE(this.at + 5)
        this.at += 9
        return value
      }
      default:
        throw this.refuse(`${field}: type byte 0x${first.toString(16)} where a whole number is expected`)
    }
  }

  /** Reads a signed 64-bit integer. */
  int64(field: string): bigint {
    const first = this.peek()
    if (first === 0xd3) {
      this.#need(9)
      const value = this.#buffer.readBigInt64BE(this.at + 1)
      if (value >= -0x8000_0000n && value < 0x1_0000_0000n) throw this.#malformed("not the shortest form")
      this.at += 9
      return value
    }
    if (first >= 0xe0) {
      this.at++
      return BigInt(first - 0x100)
    }
    if (first < 0xd0 || first > 0xd2) return BigInt(this.#uint(field))
    const size = (1 << (first - 0xd0)) as 1 | 2 | 4
    this.#need(1 + size)
    const value = this.#buffer.readIntBE(this.at + 1, size)
    const least = size === 1 ? -0x20 : size === 2 ? -0x80 : -0x8000
    if (value >= least) throw this.#malformed("not the shortest form")
    this.at += 1 + size
    return BigInt(value)
  }

  /** Reads the head of a byte string and returns its length. Its bytes are next. */
  binLength(max: number, field: string): number {
    const first = this.peek()
    let length: number
    if (first === 0xc4) length = this.#sized(1, 0)
    else if (first === 0xc5) length = this.#sized(2, 0x100)
    else if (first === 0xc6) length = this.#sized(4, 0x1_0000)
    else throw this.refuse(`${field}: type byte 0x${first.toString(16)} where bytes are expected`)
    this.#need(length)
    if (length > max) throw this.refuse(`${field}: ${length} bytes, at most ${max} are allowed`)
    return length
  }

  /** Returns a view. */
  bin(max: number, field: string): Bytes {
    const length = this.binLength(max, field)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Returns a string with one character per byte. */
  latin1(max: number, field: string): string {
    const length = this.binLength(max, field)
    this.at += length
    return this.#buffer.toString("latin1", this.at - length, this.at)
  }

  /** Reads text of at most 255 bytes. If neighbours are mostly equal, a `slot` reuses the last string. */
  text(field: string, slot?: 0 | 1): string {
    const start = this.at
    const first = this.peek()
    let length: number
    if (first >= 0xa0 && first < 0xc0) {
      length = first & 0x1f
      this.at++
    } else if (first === 0xd9) {
      length = this.#sized(1, 0x20)
    } else {
      throw this.refuse(
        `${field}: type byte 0x${first.toString(16)} where text of at most 255 bytes is expected`,
      )
    }
    this.#need(length)
    this.at += length
    const known = slot === undefined ? undefined : this.#same(start, slot)
    if (known !== undefined) return known
    if (!isUtf8(this.bytes.subarray(this.at - length, this.at)))
      throw this.#malformed("text that is not UTF-8")
    const text = this.#buffer.toString("utf8", this.at - length, this.at)
    if (slot !== undefined) {
      this.#texts[slot] = text
      this.#textStarts[slot] = start
    }
    return text
  }

  #same(start: number, slot: 0 | 1): string | undefined {
    const last = this.#textStarts[slot]
    if (last === 0) return undefined
    for (let i = 0; start + i < this.at; i++) {
      if (this.bytes[last + i] !== this.bytes[start + i]) return undefined
    }
    return this.#texts[slot]
  }

  /** Reads the count of an array's items. Each item takes at least one byte. */
  arrayLength(max: number, field: string): number {
    const first = this.peek()
    let count: number
    if (first >= 0x90 && first < 0xa0) {
      count = first & 0x0f
      this.at++
    } else if (first === 0xdc) {
      count = this.#sized(2, 0x10)
    } else {
      throw this.refuse(`${field}: type byte 0x${first.toString(16)} where a short array is expected`)
    }
    this.#need(count)
    if (count > max) throw this.refuse(`${field}: ${count} items, at most ${max} are allowed`)
    return count
  }

  /** Reads the head of an array of exactly `count` items, fewer than 16. */
  tuple(count: number, field: string): void {
    if (this.peek() !== (0x90 | count)) throw this.refuse(`${field}: not an array of ${count}`)
    this.at++
  }

  /** Returns the number of keys of a map with fewer than 16. */
  mapLength(field: string): number {
    const first = this.peek()
    if (first < 0x80 || first > 0x8f) throw this.refuse(`${field}: not a small map`)
    this.at++
    return first & 0x0f
  }

  /** Skips a type byte and reads an unsigned number of `size` bytes that must be at least `least`. */
  #sized(size: 1 | 2 | 4, least: number): number {
    this.#need(1 + size)
    const value = this.#buffer.readUIntBE(this.at + 1, size)
    if (value < least) throw this.#malformed("not the shortest form")
    this.at += 1 + size
    return value
  }

  #need(length: number): void {
    const left = this.bytes.length - this.at
    if (length > left) throw this.#malformed(`${length} bytes or more are claimed, ${left} are there`)
  }
}
