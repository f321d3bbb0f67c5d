/**
 * Writes all of the bytes. `write(2)` may write fewer than requested (a signal, a quota, a full
 * disk) and reports that as success, so every file is written through here.
 */
import { write, writeSync } from "node:fs"

/** Above this size a write uses libuv's threads instead of blocking the event loop. */
export const SYNCHRONOUS_BYTES_MAX: number = 64 * 1024

/**
 * Writes all bytes, even if the system accepts only a part at a time.
 * @param position in bytes; undefined: the descriptor's own position
 * @throws errors of node:fs
 */
export function writeAll(descriptor: number, bytes: Uint8Array, position?: number): void {
  let done = 0
  while (done < bytes.length) {
    const at = position === undefined ? null : position + done
    done += writeSync(descriptor, bytes, done, bytes.length - done, at)
  }
}

/** Like `writeAll` at the descriptor's position, without blocking the event loop for long. */
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
