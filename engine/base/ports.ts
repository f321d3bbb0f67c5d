/** Time and randomness. They are handed in as ports, so that pure code stays pure and a seed repeats a run. */

export interface Clock {
  /** Nanoseconds since 1970, as far as the machine knows. Never used to decide safety. */
  now(): bigint
}

/** The machine's time of day. */
export const SYSTEM_CLOCK: Clock = { now: () => BigInt(Date.now()) * 1_000_000n }

export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>
}

/**
 * Milliseconds that never go back. `performance.now` returns the same, but loads a part of Node that takes
 * 2 ms of every start.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
