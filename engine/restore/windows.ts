/**
 * Windows of decided files, so that memory stays bounded: the files of one are planned and placed
 * together, while the next one is decided. The first is small, so that placing begins early; the
 * others grow, since a block that two windows need is fetched twice.
 */
import { setImmediate as turn } from "node:timers/promises"
import { paysThreads } from "../base/worker-pool.ts"
import type { DecidedFile } from "./tree.ts"

export interface FileWindow {
  readonly files: readonly DecidedFile[]
  readonly bytes: number
  /** No other follows. */
  readonly isLast: boolean
}

export interface Windows {
  /** The window that is being filled: what is decided is pushed here. */
  readonly filling: DecidedFile[]
  /** Whether it has taken the most that any may, after each file: large files fill it within a leaf. */
  isFull(): boolean
  /** Places what is in it, and begins another; waits while two are being placed. */
  next(): Promise<void>
  /** After each leaf of the listing: the next one begins when it is time. */
  leafDecided(): Promise<void>
  /** Places the rest; resolves when all is placed, and rejects with what a window failed with. */
  finish(): Promise<void>
  /** After a failure: resolves when nothing is being placed any more. Never rejects. */
  settled(): Promise<void>
}

interface Ports {
  readonly place: (window: FileWindow) => Promise<void>
  /** So much is to be done that threads should be started, before the first window is full. */
  readonly onMuch: () => void
}

const FIRST = { files: 2_000, bytes: 64 * 1024 ** 2 }
const MAX = { files: 50_000, bytes: 1024 ** 3 }
const GROWTH = 4
/** One is planned while the other is placed. */
const AT_ONCE = 2
/** Leaves that are decided before the messages of the placing threads have their turn. */
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
