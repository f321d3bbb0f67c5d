/** Small operations on bytes that every layer needs. Integers on disk are little-endian. */

export type Bytes = Uint8Array<ArrayBuffer>

export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/** Not for secrets: it stops at the first difference. Secrets use `crypto.timingSafeEqual`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** A Buffer over the same memory, for Buffer's fast methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("hex")
}

/** The inverse of `toHex`, or undefined when the text is not lower-case hex of whole bytes. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined
  return new Uint8Array(Buffer.from(text, "hex"))
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text)
}

/**
 * Frees the memory of large bytes at once, instead of at the next garbage collection: packs and
 * blocks would pile up to several times what is in use. The bytes are empty afterwards. Does
 * nothing for a view of part of a buffer, since the rest may be in use.
 */
export function release(bytes: Uint8Array | Uint32Array): void {
  const { buffer } = bytes
  if (
    buffer instanceof ArrayBuffer &&
    buffer.byteLength === bytes.byteLength &&
    bytes.byteLength >= RELEASE_BYTES_MIN
  ) {
    buffer.transfer(0)
  }
}

const RELEASE_BYTES_MIN = 512
