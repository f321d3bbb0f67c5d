/**
 * Upload and record: a sealed pack is made durable in the store (rule W1), and only then do the
 * local index and the journal learn of it. What a crash leaves in the journal is where the next run
 * goes on: those packs are never sent again.
 */
import { release } from "../base/bytes.ts"
import { packName } from "../format/names.ts"
import type { Journal } from "../home/journal.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import type { Store } from "../store/store.ts"
import type { SealedPack } from "../packs/seal-pack.ts"

export interface Uploader {
  /** Resolves when the pack is durable and recorded; its memory is given back. */
  put(pack: SealedPack): Promise<void>
  /** Bytes of all packs of this run, as stored. */
  readonly packedBytes: number
}

export interface UploaderPorts {
  readonly store: Store
  readonly index: ChunkIndex
  readonly journal: Journal
  readonly atomically: <T>(run: () => T) => T
  readonly series: string
  readonly onStored: (bytes: number) => void
}

export function createUploader({
  store,
  index,
  journal,
  atomically,
  series,
  onStored,
}: UploaderPorts): Uploader {
  let packedBytes = 0
  return {
    get packedBytes() {
      return packedBytes
    },
    async put({ bytes, record, directory, frames }) {
      await store.put(packName(record.name), bytes)
      packedBytes += record.sizeBytes
      release(bytes)
      atomically(() => {
        index.addPack(record, frames)
        journal.add({ series, record, directory })
      })
      release(directory)
      for (const { ids, lengths } of frames) {
        release(ids)
        release(lengths)
      }
      onStored(record.sizeBytes)
    },
  }
}
