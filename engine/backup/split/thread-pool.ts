/**
 * The pool of splitting threads for long runs. Each thread fills packs of its own (split-worker.ts); the
 * idlest one gets the next batch. Threads without files close blocks of a long file that another one reads.
 */
import { createHeapBound } from "../../base/heap.ts"
import { FILE_COST_BYTES, idlest, startPool, type PoolThread } from "../../base/worker-pool.ts"
import { giveBackFreedMemory, giveBackLargeMemory } from "../../system/native.ts"
import { memoryOf, type FullBlock } from "../../packs/block.ts"
import {
  createPackRooms,
  giveRoom,
  groupIntoPacks,
  type PackRooms,
  type SealedPack,
} from "../../packs/seal-pack.ts"
import {
  type FromSplitWorker,
  packJobs,
  type SplitWorkerData,
  type ToSplitWorker,
  unpackResults,
} from "./split-messages.ts"
import type { PoolPorts, SplitPool } from "./split-pool.ts"

/** Enough to keep the threads busy while the walk reads a large folder. */
const BATCHES_IN_FLIGHT_MAX = 8
/** Above this cost a thread gets no more batches: they would wait behind a large file while other threads are idle. */
const COST_IN_FLIGHT_MAX = 32 * 1024 * 1024
/** Blocks of other threads for each thread without batches. */
const BLOCKS_IN_FLIGHT_MAX = 2

interface Load {
  batches: number
  /** Blocks of other threads that it closes. */
  blocks: number
  /** The cost of its batches and blocks, in bytes. */
  cost: number
}

interface Thread extends Load {
  readonly pool: PoolThread<ToSplitWorker, FromSplitWorker>
}

export function threadPool(ports: PoolPorts): SplitPool {
  const rooms = createPackRooms(ports.uploadsAtOnce)
  const boundHeap = createHeapBound()
  const underWay = new BigInt64Array(new SharedArrayBuffer(8))
  const help = new Int32Array(new SharedArrayBuffer(4))
  const uploads = createUploads(ports, rooms, (error) => pool.fail(error))
  const workerData: SplitWorkerData = {
    keys: ports.keys,
    claims: ports.claims,
    index: ports.shareIndex(),
    rooms,
    underWay: underWay.buffer,
    help: help.buffer,
  }
  giveBackLargeMemory()
  const pool = startPool<ToSplitWorker, FromSplitWorker>({
    entry: "backup/split/split-worker",
    workerData,
    onNotice(said) {
      if (said.type === "pack") uploads.begin(said.pack, said.room)
      else if (said.type === "full") closeElsewhere(said.block)
      else return false
      return true
    },
  })
  const balance = createBalance(pool.threads, help)
  const closeElsewhere = (block: FullBlock): void => {
    const load = { batches: 0, blocks: 1, cost: block.rawLength }
    // a failure rejects every other call too
    balance.ask(load, { type: "close", block }, memoryOf(block)).catch(() => {})
  }
  return {
    async split(jobs) {
      const cost = jobs.reduce((sum, { size }) => sum + size + FILE_COST_BYTES, 0)
      const load = { batches: 1, blocks: 0, cost }
      const answer = await balance.ask(load, { type: "split", jobs: packJobs(jobs) })
      boundHeap()
      return answer.type === "results" ? unpackResults(answer.results) : []
    },
    room: () => pool.room(balance.isFull),
    bytesUnderWay: () => Number(Atomics.load(underWay, 0)),
    add(chunks) {
      pool.threads[0]?.tell({ type: "add", chunks })
    },
    async finish() {
      const rawBytes = await sealRest(pool.threads)
      await uploads.done()
      pool.throwIfFailed()
      void pool.terminate() // frees the threads' memory before the commit needs its own
      return { rawBytes }
    },
    close: () => pool.terminate(),
  }
}

interface Uploads {
  /** Uploads a pack, then gives its room back. */
  begin(pack: SealedPack, room: number): void
  done(): Promise<void>
}

function createUploads(ports: PoolPorts, rooms: PackRooms, onError: (error: unknown) => void): Uploads {
  const uploads = new Set<Promise<void>>()
  return {
    begin(pack, room) {
      const upload = ports.onPack(pack).then(() => giveRoom(rooms, room), onError)
      uploads.add(upload)
      void upload.then(() => uploads.delete(upload))
    },
    async done() {
      while (uploads.size > 0) await Promise.all(uploads)
    },
  }
}

interface Balance {
  /** Asks the idlest thread. The load counts as its own until the answer. */
  ask(load: Load, ...asked: [ToSplitWorker, ArrayBuffer[]?]): Promise<FromSplitWorker>
  /** Whether even the idlest thread is at its limit. */
  readonly isFull: () => boolean
}

/** @param help the number of blocks that idle threads can take, which a thread reads before it hands one over */
function createBalance(pool: readonly Thread["pool"][], help: Int32Array): Balance {
  const threads = pool.map((thread): Thread => ({ pool: thread, batches: 0, blocks: 0, cost: 0 }))
  const next = (): Thread => idlest(threads, ({ cost }) => cost)
  const helpOf = ({ batches, blocks }: Load): number =>
    batches > 0 ? 0 : Math.max(0, BLOCKS_IN_FLIGHT_MAX - blocks)
  const count = (thread: Thread, load: Load, sign: 1 | -1): void => {
    thread.batches += sign * load.batches
    thread.blocks += sign * load.blocks
    thread.cost += sign * load.cost
    Atomics.store(
      help,
      0,
      threads.reduce((sum, each) => sum + helpOf(each), 0),
    )
  }
  return {
    ask(load, message, transfer) {
      const thread = next()
      count(thread, load, 1)
      return thread.pool.ask(message, transfer, () => count(thread, load, -1))
    },
    isFull() {
      const { batches, cost } = next()
      return batches >= BATCHES_IN_FLIGHT_MAX || cost >= COST_IN_FLIGHT_MAX
    },
  }
}

/** Seals the open blocks of all threads. Returns the raw bytes of all chunks that they stored. */
async function sealRest(threads: readonly Thread["pool"][]): Promise<number> {
  const drained = await Promise.all(threads.map((thread) => thread.ask({ type: "drain" })))
  const blocks = drained.flatMap((answer) => (answer.type === "drained" ? answer.blocks : []))
  giveBackFreedMemory() // from the threads' open blocks; the last packs need as much
  const groups = groupIntoPacks(blocks)
  await Promise.all(
    groups.map((group, i) => {
      const thread = threads[i % threads.length] as Thread["pool"]
      return thread.ask({ type: "seal", blocks: group, full: i < groups.length - 1 })
    }),
  )
  return drained.reduce((sum, answer) => sum + (answer.type === "drained" ? answer.rawBytes : 0), 0)
}
