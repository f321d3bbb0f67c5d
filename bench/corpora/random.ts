/**
 * Seeded randomness for the corpora: an AES-256-CTR key stream, so that a seed gives the same bytes on
 * every machine and a gigabyte takes a second. Never used for anything secret.
 */
import { createCipheriv, createHash } from "node:crypto"

export interface SeededRandom {
  /** The next `length` bytes of the stream. */
  bytes(length: number): Buffer
  /** An integer in [0, bound), bound up to 2^32. */
  below(bound: number): number
  /** An integer in [low, high], both ends included. */
  between(low: number, high: number): number
  /** A number in [0, 1) with 32 bits of randomness. */
  unit(): number
  /** One element; the list must not be empty. */
  pick<T>(list: readonly T[]): T
}

const poolBytes = 65_536

export function seededRandom(seed: string): SeededRandom {
  const key = createHash("sha256").update(seed).digest()
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16))
  const zeros = Buffer.alloc(poolBytes)
  let pool = Buffer.alloc(0)
  let used = 0

  function next32(): number {
    if (used + 4 > pool.length) {
      pool = cipher.update(zeros)
      used = 0
    }
    const value = pool.readUInt32LE(used)
    used += 4
    return value
  }
  const unit = (): number => next32() / 2 ** 32
  const below = (bound: number): number => Math.floor(unit() * bound)
  return {
    bytes: (length) => cipher.update(length <= poolBytes ? zeros.subarray(0, length) : Buffer.alloc(length)),
    below,
    between: (low, high) => low + below(high - low + 1),
    unit,
    pick<T>(list: readonly T[]): T {
      const index = below(list.length)
      if (index >= list.length) throw new Error("pick from an empty list")
      return list[index] as T
    },
  }
}
