/**
 * Split: reads a file or a stream into the cutter's memory and passes on each chunk in place. The cuts are
 * those of one call over the whole file, independent of the window and of read sizes. spec/chunking.md.
 */
import { CHUNK_SIZES, classify, FILE_CLASS, MAGIC_BYTES, type FileClass } from "../../chunks/classes.ts"
import type { Cutter } from "../../chunks/cutter.ts"
import { readPiece, requireFile } from "./steady-read.ts"

/** Called with a chunk at `offset` of `memory`, which is valid during the call. */
export type OnChunk = (memory: Uint8Array, offset: number, length: number, fileClass: FileClass) => void

export interface SplitOutcome {
  readonly fileClass: FileClass
  /** Bytes read until the end. */
  readonly bytes: number
}

interface CutState {
  readonly cutter: Cutter
  readonly onChunk: OnChunk
  /** The number of bytes in the window. */
  filled: number
}

/**
 * Splits an open file from its current position to its end.
 * @param file `bytesMax` ends the file early; `expectedBytes` is the size that the file system reported, a hint that chooses the class and
 *   the first read. A file that reports 0 is cut like a stream.
 * @throws UnreadableFile
 */
export function splitFile(
  fd: number,
  cutter: Cutter,
  file: { expectedBytes: number; bytesMax?: number; previousClass?: FileClass | undefined },
  onChunk: OnChunk,
): SplitOutcome {
  const { expectedBytes, bytesMax = Infinity, previousClass } = file
  const state: CutState = { cutter, onChunk, filled: 0 }
  // one byte more than expected: a file that has not grown ends within its first read
  let requested = Math.min(expectedBytes === 0 ? Infinity : expectedBytes + 1, cutter.windowBytes, bytesMax)
  let fileClass: FileClass | undefined
  let bytes = 0
  for (;;) {
    const count = readPiece(fd, cutter.memory, cutter.windowOffset + state.filled, requested)
    state.filled += count
    bytes += count
    // a short read is the end only where the reported size says so
    const ended = count === 0 || bytes === bytesMax || (count < requested && bytes === expectedBytes)
    const isFull = state.filled === cutter.windowBytes
    if (expectedBytes > 0) fileClass ??= classify(expectedBytes, windowHead(state), previousClass)
    else if (ended) fileClass ??= classify(bytes, windowHead(state), previousClass)
    else if (isFull) fileClass ??= FILE_CLASS.medium
    if (fileClass !== undefined && (ended || isFull)) cutWindow(state, fileClass, ended)
    if (ended && fileClass !== undefined) return { fileClass, bytes }
    if (bytes > expectedBytes) requireFile(fd)
    requested = Math.min(cutter.windowBytes - state.filled, bytesMax - bytes)
  }
}

/** Splits a stream, whose size is known only if it ends within the first window. */
export async function splitStream(
  stream: AsyncIterable<Uint8Array>,
  cutter: Cutter,
  onChunk: OnChunk,
): Promise<SplitOutcome> {
  const state: CutState = { cutter, onChunk, filled: 0 }
  let fileClass: FileClass | undefined
  let bytes = 0
  for await (let piece of stream) {
    bytes += piece.length
    while (piece.length > 0) {
      const count = Math.min(piece.length, cutter.windowBytes - state.filled)
      cutter.memory.set(piece.subarray(0, count), cutter.windowOffset + state.filled)
      state.filled += count
      piece = piece.subarray(count)
      if (state.filled < cutter.windowBytes) continue
      fileClass ??= FILE_CLASS.medium
      cutWindow(state, fileClass, false)
    }
  }
  fileClass ??= classify(bytes, windowHead(state))
  cutWindow(state, fileClass, true)
  return { fileClass, bytes }
}

function windowHead({ cutter, filled }: CutState): Uint8Array {
  return cutter.memory.subarray(cutter.windowOffset, cutter.windowOffset + Math.min(filled, MAGIC_BYTES))
}

/** Passes on the chunks whose ends are final, and moves the rest to the front of the window. */
function cutWindow(state: CutState, fileClass: FileClass, ended: boolean): void {
  const { cutter, filled } = state
  let start = 0
  for (const end of cutter.cut(filled, CHUNK_SIZES[fileClass], ended)) {
    state.onChunk(cutter.memory, cutter.windowOffset + start, end - start, fileClass)
    start = end
  }
  cutter.memory.copyWithin(cutter.windowOffset, cutter.windowOffset + start, cutter.windowOffset + filled)
  state.filled = filled - start
}
