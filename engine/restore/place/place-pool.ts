/** Who opens blocks and writes files: worker threads, or this thread for small restores. */
import type { Worker } from "node:worker_threads"
import { packError, unpackError } from "../../base/travelling-error.ts"
import { startWorkers } from "../../base/worker-pool.ts"
import { giveBackLargeMemory } from "../../system/native.ts"
import { packFiles } from "./packed-files.ts"
import {
  jobBuffers,
  type CompareFile,
  type FromPlaceWorker,
  type OwnJob,
  type Placed,
  type PlaceFailure,
  type PlaceJob,
  type PlacerOptions,
  type ToPlaceWorker,
} from "./place-jobs.ts"
import { createPlacer } from "./placer.ts"
import { readAhead } from "./read-frames.ts"

export interface PlacePool {
  /** Resolves when a job given now would start soon. */
  room(): Promise<void>
  place(job: PlaceJob): Promise<Placed>
  compare(files: readonly CompareFile[]): Promise<readonly (Uint8Array | null)[]>
  own(job: OwnJob): Promise<Omit<PlaceFailure, "file"> | undefined>
  close(): Promise<void>
}

export function inlinePlacePool(options: PlacerOptions): PlacePool {
  const placer = createPlacer(options)
  return {
    room: async () => {},
    place: async (job) => placer.place(job),
    compare: async (files) => placer.compare(files),
    own: async (job) => placer.own(job),
    close: async () => placer.close(),
  }
}

/** For a dry run, which only compares. The target is opened with the first file that stands there. */
export function comparingPool(options: PlacerOptions): PlacePool {
  let pool: PlacePool | undefined
  const opened = (): PlacePool => (pool ??= inlinePlacePool(options))
  return {
    room: async () => {},
    place: (job) => opened().place(job),
    compare: async (files) => (files.length === 0 ? [] : await opened().compare(files)),
    own: (job) => opened().own(job),
    close: async () => await pool?.close(),
  }
}

/** When it resolves, the thread has closed its files and is gone. */
async function endThread({ worker }: Thread): Promise<void> {
  if (worker.threadId < 0) return
  await new Promise((resolve) => {
    worker.once("exit", resolve)
    worker.postMessage({ type: "close" } satisfies ToPlaceWorker)
  })
}

const JOBS_IN_FLIGHT_MAX = 2

interface Thread {
  readonly worker: Worker
  readonly waiting: ((answer: FromPlaceWorker) => void)[]
}

export function threadPlacePool(options: PlacerOptions): PlacePool {
  const broken: unknown[] = []
  let wake: (() => void)[] = []
  const fail = (error: unknown): void => {
    broken.push(error)
    for (const thread of threads)
      for (const resolve of thread.waiting.splice(0)) resolve({ type: "broken", error: packError(error) })
    for (const resume of wake.splice(0)) resume()
  }
  giveBackLargeMemory()
  const threads = startWorkers("restore/place/place-worker", options, true).map((worker): Thread => {
    const thread: Thread = { worker, waiting: [] }
    worker.on("message", (message: FromPlaceWorker) => {
      if (message.type === "broken") return fail(unpackError(message.error))
      thread.waiting.shift()?.(message)
      for (const resume of wake.splice(0)) resume()
    })
    worker.on("error", fail)
    return thread
  })
  const idlest = (): Thread => threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a))

  const ask = async (message: ToPlaceWorker, transfer: ArrayBuffer[]): Promise<FromPlaceWorker> => {
    if (broken.length > 0) throw broken[0]
    const thread = idlest()
    thread.worker.postMessage(message, transfer)
    const answer = await new Promise<FromPlaceWorker>((resolve) => thread.waiting.push(resolve))
    if (broken.length > 0) throw broken[0]
    return answer
  }
  return {
    async room() {
      while (broken.length === 0 && idlest().waiting.length >= JOBS_IN_FLIGHT_MAX) {
        await new Promise<void>((resolve) => wake.push(resolve))
      }
      if (broken.length > 0) throw broken[0]
    },
    async place(job) {
      const { files, ...rest } = job
      if (idlest().waiting.length > 0) readAhead(job)
      const answer = await ask({ type: "place", job: rest, files: packFiles(files) }, [...jobBuffers(job)])
      return answer.type === "placed" ? answer.placed : { failures: [], leftOut: [] }
    },
    async compare(files) {
      const answer = await ask({ type: "compare", files }, [])
      return answer.type === "compared" ? answer.equal : []
    },
    async own(job) {
      const answer = await ask({ type: "own", job }, [])
      return answer.type === "owned" ? answer.failure : undefined
    },
    async close() {
      await Promise.all(threads.map(endThread))
    },
  }
}
