/** What runs have put into a repository, for tests that nothing is stored twice. */
import { FRAME_CHUNK_LIST, FRAME_DATA, FRAME_LISTING } from "../format/sealed-header.ts"
import type { Repository } from "../index.ts"

export interface Stored {
  /** Raw bytes by kind of frame. */
  readonly data: number
  readonly listing: number
  readonly lists: number
  readonly packs: number
}

/** Of all packs that this device knows of. */
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

/** How many bytes of content a run has stored. */
export async function newData(repository: Repository, run: () => Promise<unknown>): Promise<number> {
  const before = storedBytes(repository).data
  await run()
  return storedBytes(repository).data - before
}

/** Raw bytes of content in packs that are durable and in no entry. */
export function pendingData({ index, journal }: Repository): number {
  let bytes = 0
  for (const { record } of journal.pending()) {
    for (const { kind, rawLength } of index.framesOfPack(record.name))
      if (kind === FRAME_DATA) bytes += rawLength
  }
  return bytes
}
