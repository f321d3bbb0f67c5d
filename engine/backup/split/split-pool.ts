/**
 * Who does the work per chunk: worker threads (thread-pool.ts), or this thread for small runs, streams and
 * simulation (`inlinePool`). A port, so that both run the same splitter.ts.
 */
import type { ChunkId } from "../../base/ids.ts"
import type { Random } from "../../base/ports.ts"
import type { SharedIndex } from "../../chunk-index/chunk-index.ts"
import { groupIntoPacks, type SealedPack } from "../../packs/seal-pack.ts"
import type { SharedClaims } from "./claims.ts"
import type { MadeChunk, SplitJob, SplitRead, SplitResult, SplitterKeys } from "./split-messages.ts"
import { createSplitter } from "./splitter.ts"

export interface SplitPool {
  /** Returns the results in the order of the jobs. */
  split(jobs: readonly SplitJob[]): Promise<readonly SplitResult[]>
  /** Resolves when another batch would start soon: the walk's back-pressure. */
  room(): Promise<void>
  /** Bytes read so far of long files that have no result yet. */
  bytesUnderWay(): number
  /** Stores chunks made on the main thread, which the caller has claimed. */
  add(chunks: readonly MadeChunk[]): void
  /** Seals the rest. Resolves when `onPack` has resolved for every pack. Only `close` may follow. */
  finish(): Promise<{ rawBytes: number }>
  /** Stops the threads at once. */
  close(): Promise<void>
}

export interface PoolPorts {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly random: Random
  readonly isStored: (id: ChunkId) => boolean
  /** For the look-ups of other threads. Undefined when the repository was empty: no chunk is stored. */
  readonly shareIndex: () => SharedIndex | undefined
  /** Makes a pack durable and records it. Rejects on failure. */
  readonly onPack: (pack: SealedPack) => Promise<void>
  /** Bounds the packs that are being sealed or uploaded, and so their memory. */
  readonly uploadsAtOnce: number
}

export interface InlinePool extends SplitPool {
  splitStream(stream: AsyncIterable<Uint8Array>): Promise<SplitRead>
}

/** Does all stages in this thread. */
export function inlinePool(ports: PoolPorts): InlinePool {
  const uploads: Promise<void>[] = []
  const onPack = (pack: SealedPack): void => {
    const upload = ports.onPack(pack)
    upload.catch(() => {}) // `finish` reports it
    uploads.push(upload)
  }
  let underWay = 0
  const onRead = (bytes: number): void => void (underWay += bytes)
  const splitter = createSplitter({ ...ports, onFull: (seal) => onPack(seal()), onRead })
  const room = async (): Promise<void> => uploads.at(-ports.uploadsAtOnce)
  async function* paced(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of stream) {
      yield piece
      onRead(piece.length)
      await room()
    }
  }
  return {
    split: async (jobs) => jobs.map((job) => splitter.split(job)),
    splitStream: (stream) => splitter.splitStream(paced(stream)),
    room,
    bytesUnderWay: () => underWay,
    add: (chunks) => splitter.add(chunks),
    async finish() {
      const groups = groupIntoPacks(splitter.drain())
      groups.forEach((blocks, i) => onPack(splitter.seal(blocks, i < groups.length - 1)))
      await Promise.all(uploads)
      return { rawBytes: splitter.rawBytes }
    },
    close: async () => splitter.end(),
  }
}
