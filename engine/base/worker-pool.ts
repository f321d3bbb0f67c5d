/**
 * A pool of worker threads, both sides. The main thread starts them and asks (`startPool`); each thread
 * answers one message after the other (`serve`). Backup, restore and check put their own policy on top:
 * which thread gets what, and when one is full. An error of one thread fails the whole pool, with the kind
 * and code that it had there. One thread per core, at most four: beyond that the disk is the limit.
 *
 * The same code runs from sources (`engine/backup/split/split-worker.ts`) and from the build, where esbuild
 * moves functions between files. The build's entries are therefore found from the `dist` folder, not from
 * the file that asks. A worker started from sources inherits `--import tsx` with its parent's execArgv.
 * Every file named `*-worker.ts`, but for tests, is an entry of the build.
 */
import { availableParallelism } from "node:os"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
import { parentPort, Worker } from "node:worker_threads"
import { assert } from "./errors.ts"
import { packError, unpackError, type TravellingError } from "./travelling-error.ts"

/** Fixed cost per file, as a number of bytes. */
export const FILE_COST_BYTES: number = 16 * 1024
/** Up to this cost the main thread does the work itself. */
const INLINE_COST_MAX = 48 * 1024 * 1024

/** Whether threads would be started in less time than they save (spec/decisions/0011-threads.md). */
export function paysThreads({ files, bytes }: { files: number; bytes: number }): boolean {
  return bytes + files * FILE_COST_BYTES > INLINE_COST_MAX
}

interface PoolOptions<Said> {
  readonly entry: `${string}-worker`
  readonly workerData: unknown
  /** The threads close what they open; Node doesn't track it. */
  readonly ownFiles?: boolean
  /** Handles a message that isn't an answer. Returns whether it did. */
  readonly onNotice?: (said: Said) => boolean
}

export interface PoolThread<Asked, Said> {
  /** Number of answers to come. */
  readonly waiting: number
  /**
   * Answers arrive in the order asked. Rejects with the pool's first failure.
   * @param onAnswer called before anything that waits for the answer or for room continues
   */
  ask(message: Asked, transfer?: ArrayBuffer[], onAnswer?: () => void): Promise<Said>
  /** Sends a message without an answer. */
  tell(message: Asked): void
}

export interface WorkerPool<Asked, Said> {
  readonly threads: readonly PoolThread<Asked, Said>[]
  /** Waits for answers while `isFull`: the back-pressure. Rejects with the pool's first failure. */
  room(isFull: () => boolean): Promise<void>
  /** Fails the pool: all current and later requests reject with the first failure. */
  fail(error: unknown): void
  throwIfFailed(): void
  /** Stops the threads, whatever they are doing. */
  terminate(): Promise<void>
  /** Tells each thread to end. Resolves when all have closed their files and exited. */
  end(message: Asked): Promise<void>
}

export function idlest<T>(threads: readonly T[], loadOf: (thread: T) => number): T {
  return threads.reduce((a, b) => (loadOf(b) < loadOf(a) ? b : a))
}

/** Sent by a thread instead of an answer. */
interface Failed {
  readonly failed: TravellingError
}

function isFailed(said: object): said is Failed {
  return "failed" in said
}

interface Waiting<Said> {
  readonly resolve: (answer: Said) => void
  readonly reject: (error: unknown) => void
  readonly onAnswer: (() => void) | undefined
}

export function startPool<Asked, Said extends object>(options: PoolOptions<Said>): WorkerPool<Asked, Said> {
  let failure: { readonly error: unknown } | undefined
  /** The threads end because the pool says so. */
  let isEnded = false
  const resumes: (() => void)[] = []
  const wake = (): void => {
    for (const resume of resumes.splice(0)) resume()
  }
  const throwIfFailed = (): void => {
    if (failure !== undefined) throw failure.error
  }
  const workers = startWorkers(options)
  const waitingOf = workers.map((): Waiting<Said>[] => [])
  const fail = (error: unknown): void => {
    failure ??= { error }
    for (const waiting of waitingOf) for (const { reject } of waiting.splice(0)) reject(failure.error)
    wake()
  }
  const threads = workers.map((worker, i): PoolThread<Asked, Said> => {
    const waiting = waitingOf[i] as Waiting<Said>[]
    worker.on("error", fail)
    worker.on("exit", (code) => {
      if (!isEnded) fail(new Error(`a worker thread ended with code ${code}`))
    })
    worker.on("message", (said: Said | Failed) => {
      if (isFailed(said)) return fail(unpackError(said.failed))
      if (options.onNotice?.(said) === true) return
      const asked = waiting.shift()
      asked?.onAnswer?.()
      asked?.resolve(said)
      wake()
    })
    return {
      get waiting() {
        return waiting.length
      },
      async ask(message, transfer, onAnswer) {
        throwIfFailed()
        worker.postMessage(message, transfer)
        return await new Promise((resolve, reject) => waiting.push({ resolve, reject, onAnswer }))
      },
      tell: (message) => worker.postMessage(message),
    }
  })
  return {
    threads,
    async room(isFull) {
      while (failure === undefined && isFull()) await new Promise<void>((resolve) => resumes.push(resolve))
      throwIfFailed()
    },
    fail,
    throwIfFailed,
    async terminate() {
      isEnded = true
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
    async end(message) {
      isEnded = true
      await Promise.all(workers.map((worker) => endWorker(worker, message)))
    },
  }
}

async function endWorker(worker: Worker, message: unknown): Promise<void> {
  if (worker.threadId < 0) return
  await new Promise((resolve) => {
    worker.once("exit", resolve)
    worker.postMessage(message)
  })
}

/** The thread's side of a pool. */
export interface Served<Said> {
  readonly send: (message: Said, transfer?: ArrayBuffer[]) => void
  /** Nothing keeps the thread alive after this. */
  readonly close: () => void
}

/**
 * Passes each message to `handle`, which sends the answer if there is one. An error that it throws
 * fails the pool.
 */
export function serve<Asked, Said extends object>(handle: (message: Asked) => void): Served<Said> {
  const port = parentPort
  assert(port !== null, "this module runs in a worker thread")
  port.on("message", (message: Asked) => {
    try {
      handle(message)
    } catch (error) {
      port.postMessage({ failed: packError(error) } satisfies Failed)
    }
  })
  return { send: (message, transfer) => port.postMessage(message, transfer), close: () => port.close() }
}

/** Workers have long-lived buffers and short-lived objects: more room for the latter saves no time. */
const YOUNG_MIB = 4

function startWorkers<Said>({ entry, workerData, ownFiles = false }: PoolOptions<Said>): Worker[] {
  const count = Math.max(1, Math.min(4, availableParallelism()))
  const options = {
    workerData,
    trackUnmanagedFds: !ownFiles,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  }
  const workers = Array.from({ length: count }, () => new Worker(programUrl(entry), options))
  keepYoungSpaceSmall(workers)
  return workers
}

/** With less, V8 treats objects that live for one batch as old, and keeps them until a full collection. */
const MAIN_YOUNG_BYTES = 8 * 1024 ** 2

/**
 * Otherwise V8 would grow this thread's space for young objects up to 48 MiB, which takes memory
 * and saves no time. After the flag is set, Node compiles its own modules again when it loads them,
 * so it is set only after the last worker has answered.
 */
function keepYoungSpaceSmall(workers: readonly Worker[]): void {
  const last = workers.at(-1)
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")
    if (young !== undefined && young.space_size < MAIN_YOUNG_BYTES) return
    setFlagsFromString("--semi-space-growth-factor=1")
    last?.off("message", look)
  }
  last?.on("message", look)
}

/** Returns the file of a program that the build makes, such as "backup/split/split-worker". */
export function programUrl(entry: string): URL {
  const here = import.meta.url
  if (here.endsWith(".ts")) return new URL(`../${entry}.ts`, here)
  const dist = here.lastIndexOf("/dist/")
  return new URL(`${here.slice(0, dist)}/dist/engine/${entry}.js`)
}
