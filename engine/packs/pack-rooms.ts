/**
 * Memory for the packs that are being sealed or are on their way to the store: a few rooms, which all threads
 * share and use again and again, since new memory for each pack costs a third of what sealing it does.
 * A thread that finds none free waits, and that bounds the memory of packs under way.
 */
import { PACK_BYTES } from "../format/pack.ts"

/** Plain data, so that a worker thread can be given it. */
export interface PackRooms {
  readonly rooms: readonly Uint8Array<SharedArrayBuffer>[]
  /** A bit a room, set while it is free. */
  readonly free: Int32Array<SharedArrayBuffer>
}

/** @param count at most 31 */
export function createPackRooms(count: number): PackRooms {
  const free = new Int32Array(new SharedArrayBuffer(4))
  free[0] = 2 ** count - 1
  return {
    rooms: Array.from({ length: count }, () => new Uint8Array(new SharedArrayBuffer(PACK_BYTES))),
    free,
  }
}

/** The number of a room that is the caller's until it is given back. Blocks the thread. */
export function takeRoom({ free }: PackRooms): number {
  for (;;) {
    const bits = Atomics.load(free, 0)
    const lowest = bits & -bits
    if (bits === 0) Atomics.wait(free, 0, 0)
    else if (Atomics.compareExchange(free, 0, bits, bits & ~lowest) === bits) return 31 - Math.clz32(lowest)
  }
}

export function giveRoom({ free }: PackRooms, room: number): void {
  Atomics.or(free, 0, 1 << room)
  Atomics.notify(free, 0)
}
