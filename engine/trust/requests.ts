/** What one verb asked of the store, out of all that was asked since the repository was opened. */
import type { Requests } from "./repository-ports.ts"

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
