/** Worker threads that split, each with a pack of its own to fill, and what each is given to do. */
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

/** So many that the threads have work while the walk reads a large folder. */
const BATCHES_IN_FLIGHT_MAX = 8
/** With more in its batches, a thread is given no other: behind a large file it would wait while another thread is idle. */
const COST_IN_FLIGHT_MAX = 32 * 1024 * 1024
/** Blocks of others that a thread without batches is given. */
const BLOCKS_IN_FLIGHT_MAX = 2

interface Load {
  batches: number
  /** Blocks of others that it closes. */
  blocks: number
  /** Of its batches and blocks, in bytes. */
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
    // `fail` has rejected everything else too
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
      void pool.terminate() // what a thread has would be there beside all that the commit takes
      return { rawBytes }
    },
    close: () => pool.terminate(),
  }
}

interface Uploads {
  /** Gives the pack's room back when its bytes are in the store. */
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
  /** Asks the idlest thread, whose load it is until the answer. */
  ask(load: Load, ...asked: [ToSplitWorker, ArrayBuffer[]?]): Promise<FromSplitWorker>
  /** Whether even the idlest thread has all that it may be given. */
  readonly isFull: () => boolean
}

/** @param help what the threads read before they hand over a block: how many the others would take */
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

/** Seals the blocks that the threads have open. @returns the raw bytes of all that they split */
async function sealRest(threads: readonly Thread["pool"][]): Promise<number> {
  const drained = await Promise.all(threads.map((thread) => thread.ask({ type: "drain" })))
  const blocks = drained.flatMap((answer) => (answer.type === "drained" ? answer.blocks : []))
  giveBackFreedMemory() // the threads' open blocks: the last packs take as much
  const groups = groupIntoPacks(blocks)
  await Promise.all(
    groups.map((group, i) => {
      const thread = threads[i % threads.length] as Thread["pool"]
      return thread.ask({ type: "seal", blocks: group, full: i < groups.length - 1 })
    }),
  )
  return drained.reduce((sum, answer) => sum + (answer.type === "drained" ? answer.rawBytes : 0), 0)
}
