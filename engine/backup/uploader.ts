/**
 * Upload and record: makes a sealed pack durable in the store (rule W1), then records it in the local
 * index and the journal. During a long run, partial entries name the packs that are durable so far
 * (rule W7). After a crash the next run continues from the journal: it uploads none of those packs
 * again. Stands between packs/pack-filler.ts and commit.ts. spec/ordering.md.
 */
import { release } from "../base/bytes.ts"
import { packName } from "../format/names.ts"
import type { SealedPack } from "../packs/seal-pack.ts"
import { publish } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import { giveBackFreedMemory } from "../system/native.ts"
import { coverPacks } from "./cover.ts"

export interface Uploader {
  /** Resolves when the pack is durable and recorded. Releases the pack's memory. */
  put(pack: SealedPack): Promise<void>
  /** Resolves when no partial entry is being written. Rejects if one failed. */
  settled(): Promise<void>
  /** Stored bytes of all packs of this run. */
  readonly packedBytes: number
}

/** A partial entry follows after this many bytes of packs, or with the first pack after this time. */
const PARTIAL_BYTES = 1024 ** 3
const PARTIAL_NS = 600n * 1_000_000_000n
/** Trims the C heap, whose free memory is fragmented, after each 256 MiB stored (about 1 ms). */
const TRIM_BYTES = 256 * 1024 ** 2

export function createUploader(repository: Repository, series: string): Uploader {
  const { store, index, journal, clock } = repository
  let packedBytes = 0
  let unprotectedBytes = 0
  let protectedNs = clock.now()
  let untrimmedBytes = 0
  let partial: Promise<void> = Promise.resolve()

  const stored = (bytes: number): void => {
    untrimmedBytes += bytes
    if (untrimmedBytes >= TRIM_BYTES) {
      untrimmedBytes = 0
      giveBackFreedMemory()
    }
    unprotectedBytes += bytes
    if (unprotectedBytes < PARTIAL_BYTES && clock.now() - protectedNs < PARTIAL_NS) return
    unprotectedBytes = 0
    protectedNs = clock.now()
    partial = partial.then(() => protectPacks(repository, series))
    partial.catch(() => {}) // `settled` reports it
  }
  return {
    get packedBytes() {
      return packedBytes
    },
    async put({ bytes, record, directory, frames }) {
      await store.put(packName(record.name), bytes)
      packedBytes += record.sizeBytes
      release(bytes)
      repository.atomically(() => {
        index.addPack(record, frames)
        journal.add({ series, record, directory })
      })
      release(directory)
      for (const { ids, lengths } of frames) {
        release(ids)
        release(lengths)
      }
      stored(record.sizeBytes)
    },
    settled: () => partial,
  }
}

/** A dry run's uploader counts packs and stores nothing. */
export function createDryUploader(): Uploader {
  let packedBytes = 0
  return {
    get packedBytes() {
      return packedBytes
    },
    async put({ bytes }) {
      packedBytes += bytes.length
    },
    settled: async () => {},
  }
}

/** Writes a partial entry, which protects the durable packs from collection and lets a later run continue. */
async function protectPacks(repository: Repository, series: string): Promise<void> {
  const pending = repository.journal.pending()
  const coverage = await coverPacks(pending, repository)
  await publish(repository, {
    type: "partial",
    timeNs: repository.clock.now(),
    series,
    ...coverage,
  })
  repository.journal.settle(pending.map((pack) => pack.record.name))
}
