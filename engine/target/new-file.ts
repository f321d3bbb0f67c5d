/**
 * Writes into an unfinished file. Any worker thread may write its part of the file through the descriptor, at
 * any offset, in any order.
 */
import { closeSync, ftruncateSync, readSync } from "node:fs"
import { writeAll } from "../base/write-all.ts"
import { errorCode } from "../base/errno.ts"
import { targetError } from "./target-errors.ts"
import type { NewFile } from "./target.ts"

const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(HOLE_BYTES)

/** @throws an `EngineError` such as "no-space"; the file must then be abandoned */
export function writeAt(file: NewFile, offset: number, bytes: Uint8Array): void {
  try {
    if (file.sparse) writeSparse(file.descriptor, offset, bytes)
    else writeAll(file.descriptor, bytes, offset)
  } catch (cause) {
    throw targetError(errorCode(cause), file.path, cause)
  }
}

/** Reads an open file into a buffer. @returns the number of bytes, fewer only at the file's end */
export function readAt(descriptor: number, offset: number, into: Uint8Array): number {
  let done = 0
  while (done < into.length) {
    const count = readSync(descriptor, into, done, into.length - done, offset + done)
    if (count === 0) break
    done += count
  }
  return done
}

export function closeDescriptor(descriptor: number): void {
  closeSync(descriptor)
}

/** Extends a sparse file that ends in a hole to its size. @throws what node:fs throws */
export function completeFile(file: NewFile): void {
  if (file.sparse) ftruncateSync(file.descriptor, file.size)
}

/** Skips whole pages of zeros: unwritten parts of a new file read as zeros. */
function writeSparse(descriptor: number, offset: number, bytes: Uint8Array): void {
  let pending = 0
  let position = 0
  while (position < bytes.length) {
    const toPage = HOLE_BYTES - ((offset + position) % HOLE_BYTES)
    const end = Math.min(position + toPage, bytes.length)
    if (isZero(bytes, position, end)) {
      if (position > pending) writeAll(descriptor, bytes.subarray(pending, position), offset + pending)
      pending = end
    }
    position = end
  }
  if (pending < bytes.length) writeAll(descriptor, bytes.subarray(pending), offset + pending)
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  // the first byte decides for most pages
  if (bytes[start] !== 0) return false
  return ZEROS.compare(bytes, start, end, 0, end - start) === 0
}
