/** The stages of a small run, or of a stream, in this thread. */
import { groupIntoPacks, type SealedPack } from "../../packs/seal-pack.ts"
import type { PoolPorts, SplitPool } from "./split-pool.ts"
import type { SplitRead } from "./split-messages.ts"
import { createSplitter } from "./splitter.ts"

/** One that can also read a stream. */
export interface InlinePool extends SplitPool {
  splitStream(stream: AsyncIterable<Uint8Array>): Promise<SplitRead>
}

export function inlinePool(ports: PoolPorts): InlinePool {
  const uploads: Promise<void>[] = []
  const onPack = (pack: SealedPack): void => {
    const upload = ports.onPack(pack)
    upload.catch(() => {}) // noticed by `finish`
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
