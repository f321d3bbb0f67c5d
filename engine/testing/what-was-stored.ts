/** Measures what runs have stored in a repository, for tests that nothing is stored twice. */
import { FRAME_CHUNK_LIST, FRAME_DATA, FRAME_LISTING } from "../format/sealed-header.ts"
import type { Repository } from "../index.ts"

export interface Stored {
  /** Raw bytes by kind of frame. */
  readonly data: number
  readonly listing: number
  readonly lists: number
  readonly packs: number
}

/** Counts all packs that this device knows. */
export function storedBytes({ index }: Repository): Stored {
  const bytes = { data: 0, listing: 0, lists: 0, packs: 0 }
  for (const { name } of index.packs()) {
    bytes.packs++
    for (const { kind, rawLength } of index.framesOfPack(name)) {
      if (kind === FRAME_DATA) bytes.data += rawLength
      if (kind === FRAME_LISTING) bytes.listing += rawLength
      if (kind === FRAME_CHUNK_LIST) bytes.lists += rawLength
    }
  }
  return bytes
}

/** Returns the bytes of content that a run has stored. */
export async function newData(repository: Repository, run: () => Promise<unknown>): Promise<number> {
  const before = storedBytes(repository).data
  await run()
  return storedBytes(repository).data - before
}

/** Returns the raw bytes of content in durable packs that no entry lists. */
export function pendingData({ index, journal }: Repository): number {
  let bytes = 0
  for (const { record } of journal.pending()) {
    for (const { kind, rawLength } of index.framesOfPack(record.name))
      if (kind === FRAME_DATA) bytes += rawLength
  }
  return bytes
}
