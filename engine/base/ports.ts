/** Time and randomness as ports. Pure code stays pure, and a seed repeats a run. */

export interface Clock {
  /** Nanoseconds since 1970 by the machine's clock. Never used to decide safety. */
  now(): bigint
}

/** The machine's time of day. */
export const SYSTEM_CLOCK: Clock = { now: () => BigInt(Date.now()) * 1_000_000n }

export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>
}

/**
 * Milliseconds that never decrease. `performance.now` returns the same, but loads a part of Node
 * that adds 2 ms to every start.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
