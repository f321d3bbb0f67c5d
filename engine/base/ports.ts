/** Time and randomness come in as ports, so that pure code stays pure and a seed repeats a run. */

export interface Clock {
  /** Nanoseconds since 1970, as far as the machine knows. Never used to decide safety. */
  now(): bigint
}

export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>
}
