/**
 * Who does the work per chunk: worker threads, or this thread for small runs and for simulation. A
 * port, so that both run the same `splitter.ts`. Messages carry batches of files, tables, blocks of long
 * files and whole packs, never single chunks.
 */
import type { Worker } from "node:worker_threads"
import { createHeapBound } from "../base/heap.ts"
import { FILE_COST_BYTES, startWorkers } from "../base/worker-threads.ts"
import type { Random } from "../base/ports.ts"
import type { ChunkId } from "../base/ids.ts"
import { EngineError, type ErrorKind } from "../base/errors.ts"
import { giveBackFreedMemory, giveBackLargeMemory } from "../files/native.ts"
import { memoryOf, type ClosedBlock, type FullBlock } from "./block.ts"
import type { SharedClaims } from "./claims.ts"
import { groupIntoPacks } from "./pack-filler.ts"
import type { SealedPack } from "./seal-pack.ts"
import { createPackRooms, giveRoom, type PackRooms } from "./pack-rooms.ts"
import { packJobs, unpackResults, type PackedJobs, type PackedResults } from "./split-messages.ts"
import {
  createSplitter,
  type MadeChunk,
  type SplitJob,
  type SplitRead,
  type SplitResult,
  type SplitterKeys,
} from "./splitter.ts"

export interface SplitPool {
  /** Results come in the order of the jobs. */
  split(jobs: readonly SplitJob[]): Promise<readonly SplitResult[]>
  /** Resolves when another batch would start soon: the back-pressure of the walk. */
  room(): Promise<void>
  /** Read of files whose results are not there yet, in bytes; of short files nothing is told. */
  bytesUnderWay(): number
  /** Stores chunks made on the main thread; the caller has claimed them. */
  add(chunks: readonly MadeChunk[]): void
  /** Seals what is left; resolves when `onPack` has resolved for every pack. The last call but `close`. */
  finish(): Promise<{ rawBytes: number }>
  /** Stops the threads, whatever they do. */
  close(): Promise<void>
}

export interface PoolPorts {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly random: Random
  readonly isStored: (id: ChunkId) => boolean
  /** Where worker threads look ids up; undefined when the repository is empty. */
  readonly indexPath: string | undefined
  /** Makes a pack durable and records it; rejects when it can't. */
  readonly onPack: (pack: SealedPack) => Promise<void>
  /** Packs that are being sealed or wait for the store, beyond those being filled: the memory they may take. */
  readonly uploadsAtOnce: number
}

/** The same stages in this thread, which can also read a stream. */
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
    close: async () => {},
  }
}

/** What a worker thread is given. */
export interface SplitWorkerData {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly indexPath: string | undefined
  readonly rooms: PackRooms
  /** One 64-bit number of bytes. */
  readonly underWay: SharedArrayBuffer
  /** One 32-bit number: so many blocks may be handed over, about. Those who hand one over count down. */
  readonly help: SharedArrayBuffer
}

export type ToSplitWorker =
  | { readonly type: "split"; readonly jobs: PackedJobs }
  | { readonly type: "add"; readonly chunks: readonly MadeChunk[] }
  | { readonly type: "close"; readonly block: FullBlock }
  | { readonly type: "drain" }
  | { readonly type: "seal"; readonly blocks: readonly ClosedBlock[]; readonly full: boolean }

export type FromSplitWorker =
  | { readonly type: "results"; readonly results: PackedResults }
  /** A block of a long file, for a thread that has nothing to do. */
  | { readonly type: "full"; readonly block: FullBlock }
  | { readonly type: "closed" }
  | { readonly type: "drained"; readonly blocks: readonly ClosedBlock[]; readonly rawBytes: number }
  | { readonly type: "sealed" }
  /** Its bytes lie in this room, which is given back when they are in the store. */
  | { readonly type: "pack"; readonly pack: SealedPack; readonly room: number }
  | {
      readonly type: "failed"
      readonly error: { kind: ErrorKind | undefined; code: string; message: string }
    }

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
    for (const thread of threads) for (const answer of thread.waiting.splice(0)) answer(failed(error))
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
    indexPath: ports.indexPath,
    rooms,
    underWay: underWay.buffer,
    help: help.buffer,
  }
  giveBackLargeMemory()
  const threads = startWorkers("write/split-worker", workerData).map((worker): Thread => {
    const thread: Thread = { worker, waiting: [], batches: 0, blocks: 0, cost: 0 }
    worker.on("message", (message: FromSplitWorker) => {
      if (message.type === "pack") upload(message.pack, message.room)
      else if (message.type === "failed") fail(revive(message.error))
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

function failed(error: unknown): FromSplitWorker {
  return { type: "failed", error: { kind: undefined, code: "", message: String(error) } }
}

function revive({
  kind,
  code,
  message,
}: {
  kind: ErrorKind | undefined
  code: string
  message: string
}): Error {
  return kind === undefined ? new Error(message) : new EngineError(kind, code, message)
}
