/**
 * Writes all of the bytes. `write(2)` may write fewer than asked (a signal, a quota, a disk that fills up)
 * and reports that as success, so every file of ours is written through here.
 */
import { write, writeSync } from "node:fs"

/** Above this a transfer goes through libuv's threads instead of holding up the event loop. */
export const SYNCHRONOUS_BYTES_MAX: number = 64 * 1024

/**
 * Writes all bytes, also where the system takes only a part at a time.
 * @param position in bytes; undefined: the descriptor's own position
 * @throws what node:fs throws
 */
export function writeAll(descriptor: number, bytes: Uint8Array, position?: number): void {
  let done = 0
  while (done < bytes.length) {
    const at = position === undefined ? null : position + done
    done += writeSync(descriptor, bytes, done, bytes.length - done, at)
  }
}

/** The same where the descriptor is, without holding up the event loop for long. */
export async function writeAllInTurn(descriptor: number, bytes: Uint8Array): Promise<void> {
  if (bytes.length <= SYNCHRONOUS_BYTES_MAX) return writeAll(descriptor, bytes)
  for (let done = 0; done < bytes.length;) done += await writeSome(descriptor, bytes.subarray(done))
}

async function writeSome(descriptor: number, bytes: Uint8Array): Promise<number> {
  return await new Promise((resolve, reject) => {
    write(descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) resolve(written)
      else reject(error)
    })
  })
}
