/** Worker threads that split, each with a pack of its own to fill, and what each is given to do. */
import type { Worker } from "node:worker_threads"
import { createHeapBound } from "../../base/heap.ts"
import { packError, unpackError } from "../../base/travelling-error.ts"
import { FILE_COST_BYTES, startWorkers } from "../../base/worker-pool.ts"
import { giveBackFreedMemory, giveBackLargeMemory } from "../../system/native.ts"
import { memoryOf, type FullBlock } from "../../packs/block.ts"
import { createPackRooms, giveRoom, groupIntoPacks, type SealedPack } from "../../packs/seal-pack.ts"
import { packJobs, unpackResults } from "./split-columns.ts"
import type { FromSplitWorker, SplitWorkerData, ToSplitWorker } from "./split-messages.ts"
import type { PoolPorts, SplitPool } from "./split-pool.ts"

/** So many that the threads have work while the walk reads a large folder. */
const BATCHES_IN_FLIGHT_MAX = 8
/** With more in its batches, a thread is given no other: behind a large file it would wait while another thread is idle. */
const COST_IN_FLIGHT_MAX = 32 * 1024 * 1024
/** Blocks of others that a thread without batches is given. */
const BLOCKS_IN_FLIGHT_MAX = 2

interface Thread {
  readonly worker: Worker
  /** Answers to come, in the order asked. */
  readonly waiting: ((message: FromSplitWorker) => void)[]
  batches: number
  /** Blocks of others that it closes. */
  blocks: number
  /** Of its batches and blocks, in bytes. */
  cost: number
}

export function threadPool(ports: PoolPorts): SplitPool {
  const rooms = createPackRooms(ports.uploadsAtOnce)
  const boundHeap = createHeapBound()
  const underWay = new BigInt64Array(new SharedArrayBuffer(8))
  const help = new Int32Array(new SharedArrayBuffer(4))
  const uploads = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let wake: (() => void)[] = []

  const fail = (error: unknown): void => {
    failure ??= { error }
    for (const thread of threads)
      for (const answer of thread.waiting.splice(0)) answer({ type: "failed", error: packError(error) })
    for (const resume of wake.splice(0)) resume()
  }
  const upload = (pack: SealedPack, room: number): void => {
    const done = ports.onPack(pack).then(
      () => giveRoom(rooms, room),
      (error: unknown) => fail(error),
    )
    uploads.add(done)
    void done.then(() => uploads.delete(done))
  }
  const workerData: SplitWorkerData = {
    keys: ports.keys,
    claims: ports.claims,
    index: ports.shareIndex(),
    rooms,
    underWay: underWay.buffer,
    help: help.buffer,
  }
  giveBackLargeMemory()
  const threads = startWorkers("backup/split/split-worker", workerData).map((worker): Thread => {
    const thread: Thread = { worker, waiting: [], batches: 0, blocks: 0, cost: 0 }
    worker.on("message", (message: FromSplitWorker) => {
      if (message.type === "pack") upload(message.pack, message.room)
      else if (message.type === "failed") fail(unpackError(message.error))
      else if (message.type === "full") void closeElsewhere(message.block)
      else thread.waiting.shift()?.(message)
    })
    worker.on("error", fail)
    return thread
  })

  const ask = (
    thread: Thread,
    message: ToSplitWorker,
    transfer: ArrayBuffer[] = [],
  ): Promise<FromSplitWorker> => {
    if (failure !== undefined) return Promise.reject(failure.error)
    thread.worker.postMessage(message, transfer)
    return new Promise((resolve, reject) => {
      thread.waiting.push((answer) => (failure === undefined ? resolve(answer) : reject(failure.error)))
    })
  }
  const stop = (): Promise<unknown> => Promise.all(threads.map(({ worker }) => worker.terminate()))
  const idlest = (): Thread => threads.reduce((a, b) => (b.cost < a.cost ? b : a))
  const isFull = ({ batches, cost }: Thread): boolean =>
    batches >= BATCHES_IN_FLIGHT_MAX || cost >= COST_IN_FLIGHT_MAX

  const countHelp = (): void => {
    const left = threads.map(({ batches, blocks }) => (batches > 0 ? 0 : BLOCKS_IN_FLIGHT_MAX - blocks))
    Atomics.store(
      help,
      0,
      left.reduce((sum, blocks) => sum + Math.max(0, blocks), 0),
    )
  }
  /** Asks the thread, whose load it is until the answer. */
  const give = async (
    thread: Thread,
    load: { batches: number; blocks: number; cost: number },
    ...asked: [ToSplitWorker, ArrayBuffer[]?]
  ): Promise<FromSplitWorker> => {
    const count = (sign: 1 | -1): void => {
      thread.batches += sign * load.batches
      thread.blocks += sign * load.blocks
      thread.cost += sign * load.cost
      countHelp()
    }
    count(1)
    const answer = await ask(thread, ...asked)
    count(-1)
    for (const resume of wake.splice(0)) resume()
    return answer
  }
  const closeElsewhere = async (block: FullBlock): Promise<void> => {
    const load = { batches: 0, blocks: 1, cost: block.rawLength }
    // a failure is everybody's
    await give(idlest(), load, { type: "close", block }, memoryOf(block)).catch(() => {})
  }

  return {
    async split(jobs) {
      const cost = jobs.reduce((sum, { size }) => sum + size + FILE_COST_BYTES, 0)
      const load = { batches: 1, blocks: 0, cost }
      const answer = await give(idlest(), load, { type: "split", jobs: packJobs(jobs) })
      boundHeap()
      return answer.type === "results" ? unpackResults(answer.results) : []
    },
    async room() {
      while (failure === undefined && isFull(idlest())) {
        await new Promise<void>((resolve) => wake.push(resolve))
      }
      if (failure !== undefined) throw failure.error
    },
    bytesUnderWay: () => Number(Atomics.load(underWay, 0)),
    add(chunks) {
      threads[0]?.worker.postMessage({ type: "add", chunks } satisfies ToSplitWorker)
    },
    async finish() {
      const drained = await Promise.all(threads.map((thread) => ask(thread, { type: "drain" })))
      const blocks = drained.flatMap((answer) => (answer.type === "drained" ? answer.blocks : []))
      giveBackFreedMemory() // the threads' open blocks: the last packs take as much
      const groups = groupIntoPacks(blocks)
      await Promise.all(
        groups.map((group, i) => {
          const full = i < groups.length - 1
          return ask(threads[i % threads.length] as Thread, { type: "seal", blocks: group, full })
        }),
      )
      while (uploads.size > 0) await Promise.all(uploads)
      if (failure !== undefined) throw failure.error
      void stop() // what a thread has would be there beside all that the commit takes
      return {
        rawBytes: drained.reduce((sum, answer) => sum + (answer.type === "drained" ? answer.rawBytes : 0), 0),
      }
    },
    async close() {
      await stop()
    },
  }
}
