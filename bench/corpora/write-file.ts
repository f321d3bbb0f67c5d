/** Files of many megabytes, written piece by piece and dated, without ever holding one in memory. */
import { closeSync, ftruncateSync, openSync, utimesSync, writeSync } from "node:fs"

export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Writes the pieces and leaves holes between them, up to `length`; the file's date is `seconds`. */
export function writePieces(path: string, length: number, seconds: number, pieces: Iterable<Piece>): void {
  const file = openSync(path, "w", 0o644)
  try {
    ftruncateSync(file, length)
    for (const { offset, bytes } of pieces) writeSync(file, bytes, 0, bytes.length, offset)
  } finally {
    closeSync(file)
  }
  utimesSync(path, seconds, seconds)
}

/** Lays byte strings end to end and cuts the last at `length`. */
export function* endToEnd(length: number, next: () => Uint8Array): Generator<Piece> {
  let offset = 0
  while (offset < length) {
    const bytes = next().subarray(0, length - offset)
    yield { offset, bytes }
    offset += bytes.length
  }
}
