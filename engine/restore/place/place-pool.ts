/** Opens blocks and writes files: in worker threads, or in this thread for a small restore. */
import { idlest, startPool, type PoolThread } from "../../base/worker-pool.ts"
import { giveBackLargeMemory } from "../../system/native.ts"
import {
  jobBuffers,
  packFiles,
  type CompareFile,
  type Failure,
  type FromPlaceWorker,
  type OwnJob,
  type Placed,
  type PlaceJob,
  type PlacerOptions,
  type ToPlaceWorker,
} from "./place-jobs.ts"
import { createPlacer } from "./placer.ts"
import { readAhead } from "./read-frames.ts"

export interface PlacePool {
  /** Resolves when another job would start soon: the back-pressure of the fetch. */
  room(): Promise<void>
  place(job: PlaceJob): Promise<Placed>
  compare(files: readonly CompareFile[]): Promise<readonly (Uint8Array | null)[]>
  own(job: OwnJob): Promise<Failure | undefined>
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

/** For a dry run, which only compares. The first file that exists in the target opens it. */
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

const JOBS_IN_FLIGHT_MAX = 2

export function threadPlacePool(options: PlacerOptions): PlacePool {
  giveBackLargeMemory()
  const pool = startPool<ToPlaceWorker, FromPlaceWorker>({
    entry: "restore/place/place-worker",
    workerData: options,
    ownFiles: true,
  })
  const next = (): PoolThread<ToPlaceWorker, FromPlaceWorker> =>
    idlest(pool.threads, ({ waiting }) => waiting)
  return {
    room: () => pool.room(() => next().waiting >= JOBS_IN_FLIGHT_MAX),
    async place(job) {
      const { files, ...rest } = job
      if (next().waiting > 0) readAhead(job)
      const message: ToPlaceWorker = { type: "place", job: rest, files: packFiles(files) }
      const answer = await next().ask(message, [...jobBuffers(job)])
      return answer.type === "placed" ? answer.placed : { failures: [], leftOut: [] }
    },
    async compare(files) {
      const answer = await next().ask({ type: "compare", files })
      return answer.type === "compared" ? answer.equal : []
    },
    async own(job) {
      const answer = await next().ask({ type: "own", job })
      return answer.type === "owned" ? answer.failure : undefined
    },
    close: () => pool.end({ type: "close" }),
  }
}
