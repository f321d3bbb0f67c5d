/** A splitting thread: runs splitter.ts on the messages of thread-pool.ts, one after the other. */
import { randomFillSync } from "node:crypto"
import { workerData } from "node:worker_threads"
import { collectHeap } from "../../base/heap.ts"
import { serve, type Served } from "../../base/worker-pool.ts"
import { openChunkLookup } from "../../chunk-index/chunk-lookup.ts"
import { memoryOf } from "../../packs/block.ts"
import { type SealedPack, takeRoom } from "../../packs/seal-pack.ts"
import {
  type FromSplitWorker,
  packResults,
  type SplitResult,
  type SplitWorkerData,
  type ToSplitWorker,
  unpackJobs,
} from "./split-messages.ts"
import { createSplitter } from "./splitter.ts"

const { keys, claims, index, rooms, underWay, help } = workerData as SplitWorkerData
const { send }: Served<FromSplitWorker> = serve(handle)

const lookup = index && openChunkLookup(index)
const bytesUnderWay = new BigInt64Array(underWay)
const helpLeft = new Int32Array(help)
const splitter = createSplitter({
  keys,
  claims,
  random: { bytes: (length) => randomFillSync(new Uint8Array(length)) },
  isStored: (id) => lookup?.has(id) ?? false,
  onFull: sendPack,
  onRead: (bytes) => void Atomics.add(bytesUnderWay, 0, BigInt(bytes)),
  onBlock(take) {
    if (Atomics.load(helpLeft, 0) <= 0) return false
    Atomics.sub(helpLeft, 0, 1)
    const block = take()
    send({ type: "full", block }, memoryOf(block))
    return true
  },
})

/** A cipher takes 615 bytes that V8 does not count, and each of a pack's 24 to 64 blocks makes two. */
const PACKS_A_COLLECTION = 32
let packs = 0

/** Buffers outside the room are transferred; a copy left here would live until the next full collection. */
function sendPack(seal: (room?: Uint8Array) => SealedPack): void {
  const room = takeRoom(rooms)
  const pack = seal(rooms.rooms[room])
  const owned = pack.frames.flatMap(({ ids, lengths }) => [ids.buffer, lengths.buffer])
  send({ type: "pack", pack, room }, [pack.directory.buffer, ...owned])
  if (++packs % PACKS_A_COLLECTION === 0) collectHeap()
}

function sendResults(all: readonly SplitResult[]): void {
  const results = packResults(all)
  send({ type: "results", results }, [results.numbers.buffer, results.ids.buffer])
}

function handle(message: ToSplitWorker): void {
  switch (message.type) {
    case "split":
      return sendResults(unpackJobs(message.jobs).map((job) => splitter.split(job)))
    case "add":
      return splitter.add(message.chunks)
    case "close":
      splitter.close(message.block)
      return send({ type: "closed" })
    case "drain":
      return send({ type: "drained", blocks: splitter.drain(), rawBytes: splitter.rawBytes })
    case "seal":
      sendPack((room) => splitter.seal(message.blocks, message.full, room))
      return send({ type: "sealed" })
  }
}
