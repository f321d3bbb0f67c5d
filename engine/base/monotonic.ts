/** Milliseconds that never go back. `performance.now` says the same, and loads a part of Node that takes 2 ms of every start. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
