/**
 * Writes canonical msgpack by hand into one growing buffer, for the structure that is written a
 * million times per run: a listing's entries. The bytes equal those of `encodeCanonical` (tested).
 * The caller reserves room; nothing here checks it. spec/msgpack.md.
 */
import { assert } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"

/** Up to this length a loop is faster than a native call. */
const LOOP_CHARACTERS_MAX = 48

/** The most bytes of a scalar, with its head. */
export const SCALAR_BYTES_MAX = 9

export class CanonicalWriter {
  /** Offset of the next byte. */
  at: number
  #bytes: Buffer

  constructor(at: number, room: number) {
    this.at = at
    this.#bytes = Buffer.allocUnsafeSlow(room)
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.at + bytes))
    larger.set(this.#bytes.subarray(0, this.at))
    this.#bytes = larger
  }

  /** Returns a copy in its own memory. */
  copy(start: number): Bytes {
    return new Uint8Array(this.#bytes.subarray(start, this.at))
  }

  byte(value: number): void {
    this.#bytes[this.at++] = value
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Writes a whole number from 0 to the largest safe integer. */
  uint(value: number): void {
    const bytes = this.#bytes
    if (value < 0x80) {
      bytes[this.at++] = value
    } else if (value < 0x100) {
      bytes[this.at++] = 0xcc
      bytes[this.at++] = value
    } else if (value < 0x1_0000) {
      bytes[this.at++] = 0xcd
      this.#u16(value)
    } else if (value < 0x1_0000_0000) {
      bytes[this.at++] = 0xce
      this.#u32(value)
    } else {
      bytes[this.at++] = 0xd3
      this.#u32(Math.floor(value / 0x1_0000_0000))
      this.#u32(value >>> 0)
    }
  }

  /** Writes a signed 64-bit integer. */
  int64(value: bigint): void {
    if (value >= 0x1_0000_0000n || value < -0x8000_0000n) {
      assert(BigInt.asIntN(64, value) === value, "a whole number beyond 64 bits")
      this.#bytes[this.at++] = 0xd3
      this.at = this.#bytes.writeBigInt64BE(value, this.at)
    } else if (value >= 0n) {
      this.uint(Number(value))
    } else {
      this.#negative(Number(value))
    }
  }

  #negative(value: number): void {
    if (value >= -0x20) {
      this.#bytes[this.at++] = value & 0xff
    } else if (value >= -0x80) {
      this.#bytes[this.at++] = 0xd0
      this.#bytes[this.at++] = value & 0xff
    } else if (value >= -0x8000) {
      this.#bytes[this.at++] = 0xd1
      this.#u16(value & 0xffff)
    } else {
      this.#bytes[this.at++] = 0xd2
      this.#u32(value >>> 0)
    }
  }

  bin(value: Uint8Array): void {
    this.#binHead(value.length)
    this.raw(value)
  }

  /** Writes a byte string: the characters of `text` from `start` on, one byte each. */
  latin1(text: string, start: number): void {
    const length = text.length - start
    this.#binHead(length)
    if (length > LOOP_CHARACTERS_MAX) {
      this.at += this.#bytes.write(start === 0 ? text : text.slice(start), this.at, "latin1")
      return
    }
    const bytes = this.#bytes
    for (let i = start; i < text.length; i++) bytes[this.at++] = text.charCodeAt(i)
  }

  /** Writes text of at most 255 bytes. */
  text(text: string): void {
    const bytes = this.#bytes
    const start = this.at + 1
    let ascii = text.length < 0x20
    for (let i = 0; ascii && i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) ascii = false
      else bytes[start + i] = unit
    }
    if (ascii) {
      bytes[this.at] = 0xa0 | text.length
      this.at = start + text.length
      return
    }
    assert(text.isWellFormed(), "text with a lone surrogate has no UTF-8 form")
    const length = Buffer.byteLength(text)
    assert(length <= 0xff, "text of at most 255 bytes")
    if (length < 0x20) {
      bytes[this.at++] = 0xa0 | length
    } else {
      bytes[this.at++] = 0xd9
      bytes[this.at++] = length
    }
    this.at += bytes.write(text, this.at, "utf8")
  }

  /** Writes the head of an array of at most 65,535 items. */
  arrayHead(count: number): void {
    if (count < 16) return this.byte(0x90 | count)
    this.byte(0xdc)
    this.#u16(count)
  }

  #binHead(length: number): void {
    const bytes = this.#bytes
    if (length < 0x100) {
      bytes[this.at++] = 0xc4
      bytes[this.at++] = length
    } else if (length < 0x1_0000) {
      bytes[this.at++] = 0xc5
      this.#u16(length)
    } else {
      bytes[this.at++] = 0xc6
      this.#u32(length)
    }
  }

  #u16(value: number): void {
    this.#bytes[this.at++] = value >>> 8
    this.#bytes[this.at++] = value & 0xff
  }

  #u32(value: number): void {
    const bytes = this.#bytes
    bytes[this.at++] = value >>> 24
    bytes[this.at++] = (value >>> 16) & 0xff
    bytes[this.at++] = (value >>> 8) & 0xff
    bytes[this.at++] = value & 0xff
  }
}
