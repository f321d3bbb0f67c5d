/**
 * Groups decided files in windows, which bound the memory of a restore. The files of one window are planned and
 * placed together while the next one is decided. The first window is small, so placing begins early. Later ones
 * grow, since a block that two windows need is fetched twice.
 */
import { setImmediate as turn } from "node:timers/promises"
import { paysThreads } from "../base/worker-pool.ts"
import type { DecidedFile } from "./tree.ts"

export interface FileWindow {
  readonly files: readonly DecidedFile[]
  readonly bytes: number
  /** No other window follows. */
  readonly isLast: boolean
}

export interface Windows {
  /** The current window. The caller pushes decided files. */
  readonly filling: DecidedFile[]
  /** Whether the window has reached the maximum. Call it after each file: large files fill a window within a leaf. */
  isFull(): boolean
  /** Places the window and begins another. Waits while two are being placed. */
  next(): Promise<void>
  /** Call it after each leaf of the listing. Begins the next window when this one is large enough. */
  leafDecided(): Promise<void>
  /** Places the last window. Resolves when all files are placed; rejects with the error of a window. */
  finish(): Promise<void>
  /** Resolves when nothing is being placed, also after a failure. Never rejects. */
  settled(): Promise<void>
}

interface Ports {
  readonly place: (window: FileWindow) => Promise<void>
  /** Called when there is enough work for threads, before the first window is full. */
  readonly onMuch: () => void
}

const FIRST = { files: 2_000, bytes: 64 * 1024 ** 2 }
const MAX = { files: 50_000, bytes: 1024 ** 3 }
const GROWTH = 4
/** One window is planned while the other is placed. */
const AT_ONCE = 2
/** Leaves that are decided before the threads' messages are handled. */
const LEAVES_AT_ONCE = 32

export function createWindows({ place, onMuch }: Ports): Windows {
  let filling: DecidedFile[] = []
  let counted = 0
  let bytes = 0
  let size = FIRST
  let leaves = 0
  const placing: Promise<void>[] = []

  const begin = (isLast: boolean): void => {
    const placed = place({ files: filling, bytes, isLast })
    placed.catch(() => {}) // noticed where it is awaited
    placing.push(placed)
    filling = []
    counted = 0
    bytes = 0
  }
  const holds = (most: typeof MAX): boolean => {
    for (; counted < filling.length; counted++) bytes += filling[counted]?.entry.size ?? 0
    return counted >= most.files || bytes >= most.bytes
  }
  const next = async (): Promise<void> => {
    onMuch()
    await placing.at(-AT_ONCE)
    begin(false)
    size = {
      files: Math.min(size.files * GROWTH, MAX.files),
      bytes: Math.min(size.bytes * GROWTH, MAX.bytes),
    }
  }
  return {
    get filling() {
      return filling
    },
    isFull: () => holds(MAX),
    next,
    async leafDecided() {
      const isTime = holds(size)
      if (isTime || paysThreads({ files: counted, bytes })) onMuch()
      if (++leaves % LEAVES_AT_ONCE === 0) await turn()
      if (isTime) await next()
    },
    async finish() {
      begin(true)
      await Promise.all(placing)
    },
    async settled() {
      await Promise.allSettled(placing)
    },
  }
}
