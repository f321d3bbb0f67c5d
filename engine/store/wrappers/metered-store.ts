/**
 * Counts a store's requests by kind, as a provider bills them, and the bytes in each direction. It is inside
 * the retrying store, so that every attempt counts. See spec/stores.md.
 */
import { isEngineError } from "../../base/errors.ts"
import type { Store, StoredObject } from "../store.ts"

/** Names in one S3 LIST response at most. */
export const LIST_PAGE_NAMES = 1000

export interface RequestCounts {
  put: number
  get: number
  head: number
  list: number
  delete: number
}

export interface Traffic {
  requests: RequestCounts
  bytesUp: number
  bytesDown: number
}

export interface MeteredStore extends Store {
  /** Returns a copy of the counts. */
  traffic(): Traffic
}

/** The same in one record: the requests of each kind, and the bytes of contents each way. */
export interface Requests extends Readonly<RequestCounts> {
  readonly bytesUp: number
  readonly bytesDown: number
}

export function requestsIn({ requests, bytesUp, bytesDown }: Traffic): Requests {
  return { ...requests, bytesUp, bytesDown }
}

export function requestsSince(before: Requests, now: Requests): Requests {
  return {
    put: now.put - before.put,
    get: now.get - before.get,
    head: now.head - before.head,
    list: now.list - before.list,
    delete: now.delete - before.delete,
    bytesUp: now.bytesUp - before.bytesUp,
    bytesDown: now.bytesDown - before.bytesDown,
  }
}

export function noTraffic(): Traffic {
  return { requests: { put: 0, get: 0, head: 0, list: 0, delete: 0 }, bytesUp: 0, bytesDown: 0 }
}

/** Nothing left this machine, so it is not billed. */
const UNSENT: ReadonlySet<string> = new Set([
  "connection-refused",
  "no-network",
  "certificate",
  "not-https",
  "no-credentials",
  "credentials-renewal",
  "credentials-form",
  "secret-missing",
  "secret-empty",
  "secret-file",
  "secret-open",
  "secret-command",
  "no-keychain",
  "keychain-closed",
])

/**
 * Counts bytes sent when a put begins, and bytes received when a get has succeeded. Failures that reached no
 * server do not count. Two stores on one place may share their counts.
 */
export function meteredStore(store: Store, counts: Traffic = noTraffic()): MeteredStore {
  const { requests } = counts
  const { lend } = store
  return {
    location: store.location,
    folder: store.folder,
    traffic: () => ({ ...counts, requests: { ...requests } }),

    async put(name, content) {
      requests.put++
      counts.bytesUp += content.length
      try {
        await store.put(name, content)
      } catch (error) {
        if (isUnsent(error)) {
          requests.put--
          counts.bytesUp -= content.length
        }
        throw error
      }
    },

    async get(name, range) {
      requests.get++
      try {
        const content = await store.get(name, range)
        counts.bytesDown += content.length
        return content
      } catch (error) {
        if (isUnsent(error)) requests.get--
        throw error
      }
    },

    lend:
      lend &&
      ((name, lengthBytes) => {
        requests.get++
        counts.bytesDown += lengthBytes
        return lend(name, lengthBytes)
      }),

    async *list(prefix): AsyncGenerator<StoredObject> {
      requests.list++
      let count = 0
      try {
        for await (const object of store.list(prefix)) {
          if (count > 0 && count % LIST_PAGE_NAMES === 0) requests.list++
          count++
          yield object
        }
      } catch (error) {
        if (isUnsent(error)) requests.list--
        throw error
      }
    },

    async remove(name) {
      requests.delete++
      try {
        await store.remove(name)
      } catch (error) {
        if (isUnsent(error)) requests.delete--
        throw error
      }
    },
  }
}

function isUnsent(error: unknown): boolean {
  return isEngineError(error) && UNSENT.has(error.code)
}
