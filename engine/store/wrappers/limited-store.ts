/**
 * Limits a store's bandwidth, for `--limit-upload` and `--limit-download`. Each direction has a schedule: a
 * transfer reserves time at its end and starts when the time before it has passed. A single object is
 * transferred at full speed and the pause follows it. So the limit holds over any span much longer than one
 * pack takes.
 */
import { monotonicMs } from "../../base/ports.ts"
import type { Store } from "../store.ts"

export interface Bandwidth {
  /** KiB per second; undefined means no limit. */
  readonly uploadKib?: number | undefined
  readonly downloadKib?: number | undefined
}

export interface PacePorts {
  sleep(milliseconds: number): Promise<void>
  /** Monotonic milliseconds, like performance.now. */
  now(): number
}

const SYSTEM_PACE_PORTS: PacePorts = {
  sleep: (milliseconds) => new Promise((resolve) => void setTimeout(resolve, milliseconds)),
  now: () => monotonicMs(),
}

export function limitedStore(store: Store, limits: Bandwidth, ports: PacePorts = SYSTEM_PACE_PORTS): Store {
  if (limits.uploadKib === undefined && limits.downloadKib === undefined) return store
  const up = pace(limits.uploadKib, ports)
  const down = pace(limits.downloadKib, ports)
  return {
    location: store.location,
    folder: store.folder,
    lend: limits.downloadKib === undefined ? store.lend : undefined, // another thread can't be limited
    list: (prefix) => store.list(prefix),
    remove: (name) => store.remove(name),

    async put(name, bytes) {
      await up.turn(bytes.length)
      await store.put(name, bytes)
    },

    async get(name, range) {
      await down.turn(range?.length ?? 0)
      const bytes = await store.get(name, range)
      if (range === undefined) down.book(bytes.length)
      return bytes
    },
  }
}

interface Pace {
  /** Waits until the time reserved before has passed, and reserves time for these bytes. */
  turn(lengthBytes: number): Promise<void>
  /** Reserves time for bytes that were not known before. */
  book(lengthBytes: number): void
}

function pace(kibPerSecond: number | undefined, ports: PacePorts): Pace {
  let freeAtMs = 0
  const book = (lengthBytes: number): void => {
    if (kibPerSecond === undefined) return
    freeAtMs = Math.max(freeAtMs, ports.now()) + (lengthBytes / 1024 / kibPerSecond) * 1000
  }
  return {
    book,
    async turn(lengthBytes) {
      const waitMs = freeAtMs - ports.now()
      book(lengthBytes)
      if (waitMs > 0) await ports.sleep(waitMs)
    },
  }
}
